"""edge-lpr compared with other readers: the same 1280 x 720 frames, one core, one thread, in turns.

    python -m tests.benchmarks.bench_peers [--frames 100] [--out cache/peers.json]

Each other reader ("peer") is installed once, with its models, into its own environment below ``.venv-peers``, and runs
in its own process (``peer_worker``), separate from the product. All readers read each frame one after another, so other
load on the machine affects all of them. The result is the median over frames of the ratio of times. Frames are
validation photos with one trusted plate, from the sets in turn, fitted into the frame. A number counts as correct if it
is one of the texts of the reader, without separators, because a text reader also reads other text.

hyperlpr3 is not included: its package downloads its models from a server on first use.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_lpr.evaluation.accuracy import wilson_interval
from edge_lpr.evaluation.truth import TruePhoto, load_truth
from edge_lpr.images import load_image
from edge_lpr.vision.detector import letterbox

ROOT = Path(__file__).resolve().parents[2]
WORKER = Path(__file__).with_name("peer_worker.py")
OURS = "edge-lpr"
FRAME_WIDTH, FRAME_HEIGHT = 1280, 720
WARM_UP_RUNS = 2

PEERS = {
    "hyperlpr2": ("hyperlpr2==2.0.0", ("opencv-python-headless<5", "numpy")),  # OpenCV 5 cannot read Caffe models
    "agentclpr": (
        "agentclpr==1.1.0 agentocr==2.0.0",
        ("opencv-python-headless<4.12", "numpy<2", "onnxruntime", "pillow", "pyclipper", "shapely", "six", "wget",
         "flask", "gevent", "standard-imghdr; python_version >= '3.13'"),
    ),
    "rapidocr-onnxruntime": (
        "rapidocr-onnxruntime==1.4.4",
        ("opencv-python-headless<5", "numpy", "onnxruntime", "pillow", "pyclipper", "pyyaml", "shapely", "six", "tqdm"),
    ),
}  # fmt: skip
"""Each peer's package, installed without its dependencies, and the dependencies, with headless OpenCV."""


@dataclass(slots=True)
class Tally:
    """The result of one reader: seconds per frame, None for a failure, and the number of exact readings."""

    seconds: list[float | None] = field(default_factory=list)
    exact: int = 0

    @property
    def median_ms(self) -> float:
        """Median milliseconds over the frames without failure."""
        return 1000 * statistics.median(one for one in self.seconds if one is not None)


class Worker:
    """One reader in its own process."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self._name = name
        self._process = process

    def read(self, frame: Path) -> dict[str, Any]:
        """Returns the answer for ``frame``."""
        assert self._process.stdin is not None
        print(frame, file=self._process.stdin, flush=True)
        return self.receive()

    def receive(self) -> dict[str, Any]:
        """Returns the next answer. Raises RuntimeError if the process has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._name} ended with exit code {self._process.wait()}; its errors are above")
        answer: dict[str, Any] = json.loads(line)
        return answer


def install(folder: Path, name: str) -> Path:
    """Returns the Python of peer ``name`` below ``folder``; creates its environment if it does not exist."""
    home = folder / name
    python, done = home / "bin" / "python", home / ".done"
    if not done.exists():
        package, needs = PEERS[name]
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        for wanted in (["--no-deps", *package.split()], list(needs)):
            result = subprocess.run([*pip, *wanted], capture_output=True, text=True, check=False)
            if result.returncode:  # for headless OpenCV pip only warns, with exit code 0
                raise RuntimeError(f"{name} cannot be installed: {result.stderr.strip()[-500:]}")
        done.touch()
    return python


@contextmanager
def running_worker(name: str, python: Path) -> Iterator[Worker]:
    """Runs reader ``name`` until the end of the ``with`` block."""
    threads = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    environ = {**os.environ, **threads, "PYTHONPATH": str(ROOT) if name == OURS else ""}
    command = [str(python), str(WORKER), name]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdin is not None
        worker = Worker(name, process)
        try:
            worker.receive()
            yield worker
        except RuntimeError:
            errors.seek(0)
            sys.stderr.write(errors.read().decode(errors="replace")[-2000:])
            raise
        finally:
            process.stdin.close()


def frames(count: int) -> list[TruePhoto]:
    """Returns ``count`` validation photos with one plate of trusted number, from the sets in turn; 0 for all."""
    data = Path(os.environ.get("EDGE_LPR_DATA", ROOT.parent / "shared" / "data"))
    sets: dict[str, list[TruePhoto]] = {}
    for photo in load_truth([data / "scenes"], "val"):
        if len(photo.plates) == 1 and photo.plates[0].number is not None:
            sets.setdefault(photo.dataset, []).append(photo)
    turns = chain.from_iterable(zip_longest(*sets.values()))
    photos = [photo for photo in turns if photo is not None]
    return photos[:count] if count else photos


def compare(workers: dict[str, Worker], photos: Sequence[TruePhoto], console: Console) -> dict[str, Tally]:
    """Reads every photo with every reader."""
    tallies = {name: Tally() for name in workers}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.npy"
        for turn, photo in enumerate(track(photos, "comparing", console=console, transient=True)):
            frame, _ = letterbox(load_image(photo.path), FRAME_WIDTH, FRAME_HEIGHT)
            np.save(path, frame)
            for name, worker in workers.items():
                for _ in range(WARM_UP_RUNS if turn == 0 else 0):
                    worker.read(path)
                answer = worker.read(path)
                tallies[name].seconds.append(answer.get("seconds"))
                texts = [re.sub(r"[^0-9A-Z\u4e00-\u9fff]", "", text.upper()) for text in answer.get("texts", [])]
                tallies[name].exact += photo.plates[0].number in texts
    return tallies


def times_slower(tally: Tally, ours: Tally) -> float:
    """Returns the median ratio of times over the frames on which neither failed."""
    pairs = zip(tally.seconds, ours.seconds, strict=True)
    return statistics.median(theirs / own for theirs, own in pairs if theirs is not None and own is not None)


def main() -> None:
    """Installs and compares the readers, prints the table and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=100, help="how many; 0 for all")
    parser.add_argument("--peer", action="append", choices=tuple(PEERS), help="only this one; may be repeated")
    parser.add_argument("--venvs", type=Path, default=ROOT / ".venv-peers", help="where the peers are installed")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "cache" / "peers.json", help="figures for models.training.measure.acceptance"
    )
    options = parser.parse_args()
    console = Console()
    pythons = {OURS: Path(sys.executable)}
    for name in options.peer or PEERS:
        with console.status(f"installing {name}"):
            pythons[name] = install(options.venvs, name)
    photos = frames(options.frames)
    with ExitStack() as stack:
        workers = {name: stack.enter_context(running_worker(name, python)) for name, python in pythons.items()}
        tallies = compare(workers, photos, console)

    title = f"{len(photos)} frames of {FRAME_WIDTH} x {FRAME_HEIGHT}, one core, {platform.machine()}"
    table = Table("reader", "median ms", "times longer", "exact %", "95 % interval", "failed", title=title)
    for name, tally in tallies.items():
        low, high = wilson_interval(tally.exact, len(photos))
        table.add_row(
            name,
            f"{tally.median_ms:.1f}",
            f"{times_slower(tally, tallies[OURS]):.1f}",
            f"{100 * tally.exact / len(photos):.1f}",
            f"{100 * low:.1f}-{100 * high:.1f}",
            str(tally.seconds.count(None)),
        )
    console.print(table)
    figures = {
        "frames": len(photos),
        "median_ms": {name: round(tally.median_ms, 2) for name, tally in tallies.items()},
        "exact": {name: tally.exact for name, tally in tallies.items()},
        "times_slower": {name: round(times_slower(t, tallies[OURS]), 2) for name, t in tallies.items() if name != OURS},
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
