"""Throughput of the frame loop: frames per second and milliseconds, over the last half minute."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """``fps`` is in frames per second.

    ``read_ms`` is the median time to read a frame. ``latency_ms`` is the median time from the capture of a frame to the
    end of its processing. Both are None before the first frame; ``latency_ms`` is always None for a recording.
    """

    fps: float
    read_ms: float | None
    latency_ms: float | None


class ThroughputMeter:
    """Measures the throughput from one record per frame. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._records: deque[tuple[float, float, float | None]] = deque()
        self._started_s: float | None = None
        self.frames = 0
        """Number of frames recorded."""

    def record_frame(self, done_s: float, read_s: float, latency_s: float | None) -> None:
        """Records a frame whose processing ended at ``done_s``; ``latency_s`` is None for a recording."""
        if self._started_s is None:
            self._started_s = done_s - read_s
        self.frames += 1
        self._records.append((done_s, read_s, latency_s))
        self._drop_old(done_s)

    def throughput(self, now_s: float) -> Throughput:
        """Returns the throughput over the window that ends now."""
        self._drop_old(now_s)
        if self._started_s is None or not self._records:
            return Throughput(0.0, None, None)
        span_s = min(WINDOW_S, max(now_s - self._started_s, 1e-3))
        latencies = [latency_s for _, _, latency_s in self._records if latency_s is not None]
        return Throughput(
            fps=round(len(self._records) / span_s, 1),
            read_ms=_median_ms([read_s for _, read_s, _ in self._records]),
            latency_ms=_median_ms(latencies),
        )

    def _drop_old(self, now_s: float) -> None:
        while self._records and self._records[0][0] < now_s - WINDOW_S:
            self._records.popleft()


def _median_ms(seconds: list[float]) -> float | None:
    return round(statistics.median(seconds) * 1000, 1) if seconds else None
