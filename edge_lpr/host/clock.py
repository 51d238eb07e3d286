"""The wall clock: whether a time service has set it, and by how much it is set while the service runs.

A Raspberry Pi without a battery has the wrong time until an NTP server answers.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
_TIMEX_BYTES = 512
"""Size of the buffer for ``struct timex``; the largest on any Linux has 208 bytes (64-bit)."""
_TIME_ERROR = 5

STEP_S = 0.5
"""A smaller change of the clock between two calls is a correction by slewing, not a step."""


def clock_synchronized() -> bool:
    """Returns whether a time service has set the clock since boot.

    systemd-timesyncd creates a file in /run. For other services (chrony, ntpd, PTP) the kernel has the state. If
    neither is available, the clock counts as not synchronized. Source: systemd-timesyncd.service(8), adjtimex(2).
    """
    return _TIMESYNCD_MARK.exists() or _kernel_clock_synchronized()


def _kernel_clock_synchronized() -> bool:
    # ``modes`` is the first field of the struct. With zero the call sets nothing and needs no privilege.
    state: int = _libc().adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return 0 <= state < _TIME_ERROR


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


SETTLED_AFTER_S = 3600.0
"""Seconds for which nothing is deleted by its age after the clock was set: time to notice and correct a wrong one."""


class ClockStepDetector:
    """Detects that the wall clock is set while the service runs, as NTP does on a Pi that has just started.

    Timestamps from before such a step have the old clock's time; the caller must shift them by the step. Slow
    correction (slewing) is not a step. ``wall`` and ``monotonic`` return seconds.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset_s = wall() - monotonic()

    def measure_step_s(self) -> float:
        """Returns the seconds by which the clock was set since the last call: positive is forward, 0.0 is not set."""
        before_s = self._monotonic()
        wall_s = self._wall()
        if self._monotonic() - before_s > STEP_S / 2:
            return 0.0  # suspended between the two readings; they are of no use
        step_s = wall_s - before_s - self._offset_s
        self._offset_s += step_s
        return step_s if abs(step_s) >= STEP_S else 0.0


class SettledClock:
    """Whether the wall clock can be trusted with the ages of files, so that what is too old may be deleted.

    A clock that jumps far ahead makes everything old. So the clock counts as settled only after it has been
    synchronized, and not been set, for ``SETTLED_AFTER_S``. Ask often: a step is seen between two questions.
    """

    def __init__(
        self,
        is_synchronized: Callable[[], bool] = clock_synchronized,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_synchronized = is_synchronized
        self._monotonic = monotonic
        self._steps = ClockStepDetector(wall, monotonic)
        self._since_s: float | None = None

    def is_settled(self) -> bool:
        """Returns whether the clock is settled now."""
        was_set = self._steps.measure_step_s() != 0.0
        now_s = self._monotonic()
        if was_set or not self._is_synchronized():
            self._since_s = None
            return False
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s >= SETTLED_AFTER_S
