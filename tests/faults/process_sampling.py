"""Memory, descriptors and processor time of a running gate, sampled from outside, and their growth."""

from __future__ import annotations

import csv
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import NormalDist, fmean
from typing import Self

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

BLOCK_S = 60.0
"""Seconds of a block. Neighbouring samples are correlated, so a slope is fitted to the means of blocks."""
FEWEST_BLOCKS = 10
"""With fewer blocks no slope is calculated."""


@dataclass(frozen=True)
class Sample:
    """One sample of the process.

    Sizes are in MB (2**20 bytes), ``at_s`` in seconds since the first sample, ``cpu_s`` since its start.
    """

    at_s: float
    rss_mb: float
    own_mb: float
    """Anonymous memory: without the pages of files, which the kernel can free."""
    descriptors: int
    threads: int
    cpu_s: float
    waiting: int
    """Passages in the outbox."""
    frames: int
    """Frames from the camera so far."""
    dropped: int
    """Frames that were not read because newer ones had arrived."""


class ProcessSampler:
    """Samples the process ``pid`` every ``every_s`` seconds in a ``with`` block; ``metrics`` is its Prometheus URL.

    If the metrics do not arrive within half a minute, sampling ends, and the error is raised at the end of the block.
    """

    def __init__(self, pid: int, metrics: str, every_s: float) -> None:
        self.samples: list[Sample] = []
        self._process = psutil.Process(pid)
        self._metrics = metrics
        self._every_s = every_s
        self._ended = threading.Event()
        self._error: httpx.HTTPError | None = None
        self._thread = threading.Thread(target=self._run, name="process-sampling", daemon=True)

    @property
    def descriptors(self) -> int:
        """Number of open descriptors now."""
        return int(self._process.num_fds())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        if self._error is not None and kind is None:
            raise self._error

    def _run(self) -> None:
        began_s = time.monotonic()
        while not self._ended.wait(self._every_s):
            try:
                self.samples.append(self._sample(time.monotonic() - began_s))
            except httpx.HTTPError as error:
                self._error = error
                return
            except psutil.NoSuchProcess:
                return  # reported by the code that waits for the gate

    def _sample(self, at_s: float) -> Sample:
        resident, processor = self._process.memory_info().rss, self._process.cpu_times()
        descriptors, threads = self.descriptors, self._process.num_threads()
        page = httpx.get(self._metrics, timeout=30).text
        values = {s.name: s.value for family in text_string_to_metric_families(page) for s in family.samples}
        return Sample(
            at_s=at_s,
            rss_mb=resident / 2**20,
            own_mb=_anonymous(self._process.pid) / 2**20,
            descriptors=descriptors,
            threads=threads,
            cpu_s=processor.user + processor.system,
            waiting=int(values["edge_lpr_outbox_waiting"]),
            frames=int(values["edge_lpr_frames_captured_total"]),
            dropped=int(values["edge_lpr_frames_dropped_total"]),
        )


def _anonymous(pid: int) -> int:
    """Returns the resident anonymous memory in bytes. Source: proc_pid_status(5)."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        raise psutil.NoSuchProcess(pid) from None
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:")) * 1024


def write(path: Path, samples: Sequence[Sample]) -> None:
    """Writes CSV, one sample per line."""
    with path.open("w", newline="", encoding="ascii") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Sample)])
        table.writeheader()
        table.writerows(asdict(sample) for sample in samples)


@dataclass(frozen=True)
class Slope:
    """A least-squares line through ``(from_s, level)``: ``per_hour`` with its 95 % interval."""

    per_hour: float
    low: float
    high: float
    from_s: float
    to_s: float
    level: float

    def at(self, at_s: float) -> float:
        """Returns the value of the line."""
        return self.level + self.per_hour / 3600 * (at_s - self.from_s)

    def __str__(self) -> str:
        return f"{self.per_hour:+.2f} an hour ({self.low:+.2f} to {self.high:+.2f})"


def slope(times_s: Sequence[float], values: Sequence[float]) -> Slope | None:
    """Fits a line to the means of blocks; None with fewer than ``FEWEST_BLOCKS``."""
    blocks: dict[int, list[tuple[float, float]]] = {}
    for at_s, value in zip(times_s, values, strict=True):
        blocks.setdefault(int((at_s - times_s[0]) // BLOCK_S), []).append((at_s, value))
    if len(blocks) < FEWEST_BLOCKS:
        return None
    xs = [fmean(at_s for at_s, _ in block) for block in blocks.values()]
    ys = [fmean(value for _, value in block) for block in blocks.values()]
    middle, level, freedom = fmean(xs), fmean(ys), len(xs) - 2
    spread = sum((x - middle) ** 2 for x in xs)
    rate = sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / spread
    rest = sum((y - level - rate * (x - middle)) ** 2 for x, y in zip(xs, ys, strict=True))
    half = _student(freedom) * math.sqrt(rest / freedom / spread)
    start = level - rate * (middle - times_s[0])
    return Slope(rate * 3600, (rate - half) * 3600, (rate + half) * 3600, times_s[0], times_s[-1], start)


def _student(freedom: int) -> float:
    """Returns Student's t for a two-sided 95 % interval, exact to 0.01 from 8 degrees of freedom.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.5.
    """
    z = NormalDist().inv_cdf(0.975)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
