"""How fast frames go through: frames a second and milliseconds, over the last half minute."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass

WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class Throughput:
    """``fps`` in frames a second. ``read_ms`` is the reader's median time for a frame; ``latency_ms`` the median from
    the moment a frame was taken to the moment it was dealt with. Both are None before the first frame."""

    fps: float
    read_ms: float | None
    latency_ms: float | None


class ThroughputMeter:
    """Takes one note per frame. Times in seconds on the monotonic clock."""

    def __init__(self) -> None:
        self._notes: deque[tuple[float, float, float | None]] = deque()
        self._began_s: float | None = None
        self.frames = 0
        """All that were noted."""

    def note(self, done_s: float, read_s: float, latency_s: float | None) -> None:
        """A frame was dealt with at ``done_s``; ``latency_s`` is None for a recording, whose time is its own."""
        if self._began_s is None:
            self._began_s = done_s - read_s
        self.frames += 1
        self._notes.append((done_s, read_s, latency_s))
        self._forget(done_s)

    def pace(self, now_s: float) -> Throughput:
        """The pace over the window that ends now."""
        self._forget(now_s)
        if self._began_s is None or not self._notes:
            return Throughput(0.0, None, None)
        span_s = min(WINDOW_S, max(now_s - self._began_s, 1e-3))
        latencies = [latency_s for _, _, latency_s in self._notes if latency_s is not None]
        return Throughput(
            fps=round(len(self._notes) / span_s, 1),
            read_ms=_median_ms([read_s for _, read_s, _ in self._notes]),
            latency_ms=_median_ms(latencies),
        )

    def _forget(self, now_s: float) -> None:
        while self._notes and self._notes[0][0] < now_s - WINDOW_S:
            self._notes.popleft()


def _median_ms(seconds: list[float]) -> float | None:
    return round(statistics.median(seconds) * 1000, 1) if seconds else None
