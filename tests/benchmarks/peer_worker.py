"""One reader in its own process for ``bench_peers``: edge-lpr or a peer, in the environment of that peer.

    python peer_worker.py NAME < paths of frames (.npy, uint8 (H, W, 3), BGR), one a line

It uses one core and one thread. It answers each line with one line of JSON: {"seconds": ..., "texts": [...]} with the
texts of the reader, or {"error": ...} if it fails on the frame. The first line, without a request, is {"ready": ...}.
The worker imports only packages of the environment of the named reader.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

Read = Callable[[Any], list[str]]


def _edge_lpr() -> Read:
    from edge_lpr.config import ReaderSettings
    from edge_lpr.vision.reader import PlateReader

    reader = PlateReader.open(ReaderSettings(threads=1))
    return lambda frame: [reading.number for reading in reader.read(frame)]


def _hyperlpr2() -> Read:
    import hyperlpr2  # type: ignore[import-not-found]

    return lambda frame: [found[0] for found in hyperlpr2.HyperLPR_plate_recognition(frame)]


def _agentclpr() -> Read:
    import logging

    from agentclpr import CLPSystem  # type: ignore[import-not-found]

    logging.disable(logging.INFO)
    system = CLPSystem()
    return lambda frame: [found[1][0] for found in system(frame)]


def _rapidocr() -> Read:
    from rapidocr_onnxruntime import RapidOCR  # type: ignore[import-not-found]

    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    return lambda frame: [found[1] for found in engine(frame)[0] or []]


READERS: dict[str, Callable[[], Read]] = {
    "edge-lpr": _edge_lpr,
    "hyperlpr2": _hyperlpr2,
    "agentclpr": _agentclpr,
    "rapidocr-onnxruntime": _rapidocr,
}


def serve(name: str, answers: TextIO) -> None:
    """Answers until standard input ends."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    read = READERS[name]()
    print(json.dumps({"ready": name}), file=answers, flush=True)
    for line in sys.stdin:
        frame = np.load(line.strip())
        started = time.perf_counter()
        try:
            texts = read(frame)
        except (cv2.error, IndexError, TypeError, ValueError) as error:  # the peer fails on this frame
            print(json.dumps({"error": " ".join(str(error).split())[:200]}), file=answers, flush=True)
            continue
        seconds = time.perf_counter() - started
        print(json.dumps({"seconds": seconds, "texts": texts}), file=answers, flush=True)


def main() -> None:
    """Runs the worker. Standard output of the peer is redirected to standard error, so that only answers are there."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before any library counts the cores
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.argv[1], answers)


if __name__ == "__main__":
    main()
