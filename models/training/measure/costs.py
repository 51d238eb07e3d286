"""The cost of the models: multiply-accumulates (counted from the ``.tflite`` files), bytes, time on one thread."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import InputError
from edge_lpr.images import load_image
from edge_lpr.vision.detector import letterbox
from edge_lpr.vision.interpreter import runtime_name
from edge_lpr.vision.model_file import ModelFile
from edge_lpr.vision.reader import PlateReader
from models.training.arrays import Image
from models.training.measure.records import FRAME_HEIGHT, FRAME_WIDTH

WARM_UP_RUNS = 3


@dataclass(frozen=True, slots=True)
class Costs:
    """The cost of one pair of models.

    ``detector_macs`` and ``recognizer_macs`` are of one run. ``frame_ms`` is the median over all readings of
    ``frames`` frames. ``best_ms`` is the median of each frame's fastest reading: other load on the core can only add
    to it.
    """

    detector_macs: int
    recognizer_macs: int
    file_bytes: int
    frame_ms: float
    best_ms: float
    frames: int
    runtime: str


def measure(settings: ReaderSettings, photos: Sequence[Path], repeats: int, console: Console) -> Costs:
    """Measures the reader on one thread.

    Each of ``photos`` is fitted into a 1280 x 720 frame. Only frames with exactly one reading are timed, ``repeats``
    times each. Raises InputError when there is none.
    """
    cv2_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        reader = PlateReader.open(settings.model_copy(update={"threads": 1}))
        frames = [frame for frame in map(frame_of, photos) if len(reader.read(frame)) == 1]
        if not frames:
            raise InputError(
                "no photo to time the reader on: these models read no photo with exactly one plate; train them further"
            )
        for frame in frames[:WARM_UP_RUNS]:
            reader.read(frame)
        rounds = track(range(repeats), "timing", console=console)
        times = 1000 * np.array([[_seconds(reader, frame) for frame in frames] for _ in rounds])
    finally:
        cv2.setNumThreads(cv2_threads)
    models = reader.models
    return Costs(
        detector_macs=count_macs(models.detector),
        recognizer_macs=count_macs(models.recognizer),
        file_bytes=len(models.detector.content) + len(models.recognizer.content),
        frame_ms=float(np.median(times)),
        best_ms=float(np.median(times.min(axis=0))),
        frames=len(frames),
        runtime=runtime_name(),
    )


def frame_of(photo: Path) -> Image:
    """Reads ``photo``, scaled to fit a 1280 x 720 frame; the rest is grey."""
    frame, _ = letterbox(load_image(photo), FRAME_WIDTH, FRAME_HEIGHT)
    return frame


def count_macs(model: ModelFile) -> int:
    """Counts the multiply-accumulates of all convolutions and dense layers of one run, from the model file."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter: Any = Interpreter(model_content=model.content)
    interpreter.allocate_tensors()
    shapes = {detail["index"]: [int(n) for n in detail["shape"]] for detail in interpreter.get_tensor_details()}
    total = 0
    for operation in interpreter._get_ops_details():  # the runtime has no public list of operations
        name = operation["op_name"]
        if name not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            continue
        output, weights = shapes[operation["outputs"][0]], shapes[operation["inputs"][1]]
        places = int(np.prod(output[:-1]))
        # weights: (out, h, w, in), depthwise (1, h, w, out), dense (out, in)
        total += places * int(np.prod(weights))
    return total


def _seconds(reader: PlateReader, frame: Image) -> float:
    started = time.perf_counter()
    reader.read(frame)
    return time.perf_counter() - started
