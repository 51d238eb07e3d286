"""A clock that tests set, for one module at a time: whoever patches ``time.monotonic`` itself stops the event loops and
waits of every other thread in the process."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace


def clock(monotonic: Callable[[], float]) -> SimpleNamespace:
    """What may stand for the module ``time`` in another module: all of it, but for ``monotonic``, seconds."""
    return SimpleNamespace(**{**vars(time), "monotonic": monotonic})
