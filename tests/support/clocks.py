"""A clock that a test sets, for one module at a time.

A patch of ``time.monotonic`` itself would stop the event loops and waits of all other threads in the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace


def clock(monotonic: Callable[[], float]) -> SimpleNamespace:
    """Returns a replacement for the module ``time`` with another ``monotonic``, which returns seconds."""
    return SimpleNamespace(**{**vars(time), "monotonic": monotonic})
