"""Whether the wall clock can be believed, and when it is set: a Pi without a battery is wrong until NTP answers."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
_TIMEX_BYTES = 512
"""More than ``struct timex`` needs on any Linux (208 on 64-bit)."""
_TIME_ERROR = 5

STEP_S = 0.5
"""A change of the clock below this between two turns of the frame loop is no step."""


def clock_synchronized() -> bool:
    """True when a time service has set the clock since boot.

    systemd-timesyncd leaves a mark in /run; for any other service (chrony, ntpd, PTP) the kernel knows. What cannot be
    asked counts as not synchronized. Source: systemd-timesyncd.service(8), adjtimex(2).
    """
    return _TIMESYNCD_MARK.exists() or _kernel_clock_synchronized()


def _kernel_clock_synchronized() -> bool:
    # ``modes`` is the struct's first field: all zeros asks and sets nothing, and needs no privilege.
    state: int = _libc().adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return 0 <= state < _TIME_ERROR


@lru_cache(maxsize=1)
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


class ClockStepDetector:
    """Notices when the wall clock is set while the service runs, as NTP does on a Pi that has just started.

    What was stamped before such a step carries the old clock's time and must be moved by as much. Slow correction
    (slewing) is no step.
    """

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset_s = wall() - monotonic()

    def measure_step_s(self) -> float:
        """Seconds by which the clock was set since the last call, forward positive; 0.0 when it was not."""
        before_s = self._monotonic()
        wall_s = self._wall()
        if self._monotonic() - before_s > STEP_S / 2:
            return 0.0  # put to sleep between two looks; they do not fit together
        step_s = wall_s - before_s - self._offset_s
        self._offset_s += step_s
        return step_s if abs(step_s) >= STEP_S else 0.0
