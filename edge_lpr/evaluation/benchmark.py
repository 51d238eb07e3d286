"""Speed of the reader on this machine: milliseconds per stage, frames per second, memory, operations per model."""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_lpr.config import ReaderSettings
from edge_lpr.geometry import Quad
from edge_lpr.vision.interpreter import runtime_name
from edge_lpr.vision.reader import PlateReader

FRAME_WIDTH, FRAME_HEIGHT = 1280, 720
WARM_UP_RUNS = 3

STAGES = ("detect", "refine", "straighten", "recognise", "decode")


@dataclass(frozen=True, slots=True)
class StageTime:
    """Milliseconds of one stage, for the whole frame or for one plate."""

    name: str
    median_ms: float
    p95_ms: float
    runs: int


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """The measured times and sizes.

    ``total`` is for one frame with one plate. ``*_macs`` are the multiply-accumulate operations of one run, None if
    unknown.
    """

    machine: str
    runtime: str
    threads: int
    load_ms: float
    stages: tuple[StageTime, ...]
    total: StageTime
    peak_memory_mb: float
    detector_macs: int | None
    recognizer_macs: int | None

    @property
    def frames_per_second(self) -> float:
        """Frames per second, each with one plate."""
        return 1000 / self.total.median_ms


def run_benchmark(
    settings: ReaderSettings, image: NDArray[np.uint8] | None, repeats: int, console: Console
) -> BenchmarkResult:
    """Reads ``image`` ``repeats`` times, with a progress bar on ``console``.

    ``image`` is uint8 of shape (H, W, 3), BGR; None means a drawn frame of 1280x720. If no plate is found, the middle
    of the frame is read as a plate, so that every stage is measured. Raises ModelError.
    """
    frame = drawn_frame() if image is None else image
    started = time.perf_counter()
    reader = PlateReader.open(settings)
    load_s = time.perf_counter() - started
    height, width = frame.shape[:2]
    middle = Quad.from_array(np.array([[0.4, 0.45], [0.6, 0.45], [0.6, 0.55], [0.4, 0.55]]) * (width, height))
    times: dict[str, list[float]] = {stage: [] for stage in STAGES}
    totals: list[float] = []
    for number in track(range(WARM_UP_RUNS + repeats), description="reading", console=console, transient=True):
        stage_times = _StageTimes()
        reader.read(frame, stage_times)
        if "recognise" not in stage_times.seconds:
            reader.read_at(frame, middle, stage_times)
        if number < WARM_UP_RUNS:
            continue
        first = {stage: stage_times.seconds[stage][0] for stage in STAGES}
        for stage, seconds in first.items():
            times[stage].append(seconds)
        totals.append(sum(first.values()))
    return BenchmarkResult(
        machine=platform.machine(),
        runtime=runtime_name(),
        threads=settings.threads,
        load_ms=1000 * load_s,
        stages=tuple(_stage_time(stage, times[stage]) for stage in STAGES),
        total=_stage_time("one frame, one plate", totals),
        peak_memory_mb=peak_memory_mb(),
        detector_macs=reader.models.detector.sidecar.macs,
        recognizer_macs=reader.models.recognizer.sidecar.macs,
    )


def print_result(result: BenchmarkResult, console: Console) -> None:
    """Prints the table, the frame rate, the load time and the memory."""
    table = Table(title=f"{result.machine}, {result.runtime}, {result.threads} threads")
    for heading in ("stage", "median ms", "95th percentile ms", "million MACs"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    macs = {"detect": result.detector_macs, "recognise": result.recognizer_macs}
    for stage in (*result.stages, result.total):
        operations = macs.get(stage.name)
        shown = "" if operations is None else f"{operations / 1e6:.1f}"
        table.add_row(stage.name, f"{stage.median_ms:.2f}", f"{stage.p95_ms:.2f}", shown)
    console.print(table)
    console.print(
        f"{result.frames_per_second:.0f} frames per second; models loaded in {result.load_ms:.0f} ms; "
        f"peak memory {result.peak_memory_mb:.0f} MB"
    )


def peak_memory_mb() -> float:
    """Returns the peak memory of this process in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def drawn_frame() -> NDArray[np.uint8]:
    """Returns a 1280x720 frame with the shape of a car and a plate, so that every stage runs without a photo."""
    frame = np.full((FRAME_HEIGHT, FRAME_WIDTH, 3), (96, 104, 108), dtype=np.uint8)
    cv2.rectangle(frame, (340, 180), (940, 620), (58, 50, 46), -1)
    cv2.rectangle(frame, (560, 500), (720, 551), (150, 60, 20), -1)
    cv2.putText(frame, "A 12345", (572, 538), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (240, 240, 240), 3)
    return frame


class _StageTimes:
    """A stage observer that collects the seconds of every stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def __call__(self, stage: str, seconds: float) -> None:
        self.seconds.setdefault(stage, []).append(seconds)


def _stage_time(name: str, seconds: Sequence[float]) -> StageTime:
    milliseconds = 1000 * np.array(seconds)
    return StageTime(name, float(np.median(milliseconds)), float(np.percentile(milliseconds, 95)), len(seconds))
