"""The stages of a reading, timed for whoever wants to know."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

StageObserver = Callable[[str, float], None]
"""Told the name of each stage done and the seconds it took."""


@contextmanager
def timed_stage(name: str, observe: StageObserver | None) -> Iterator[None]:
    """Tells ``observe``, if there is one, how long the block took that is called ``name``."""
    started = time.perf_counter()
    yield
    if observe is not None:
        observe(name, time.perf_counter() - started)
