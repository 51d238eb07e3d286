"""Whether the wall clock can be believed: a Pi without a battery clock is wrong until NTP answers."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from pathlib import Path

_TIMESYNCD_MARK = Path("/run/systemd/timesync/synchronized")
_TIMEX_BYTES = 512
"""More than ``struct timex`` needs on any Linux (208 on 64-bit)."""
_TIME_ERROR = 5


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
