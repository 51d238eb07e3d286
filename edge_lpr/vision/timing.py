"""Measures the time of each stage of a reading."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

StageObserver = Callable[[str, float], None]
"""Called after each stage with its name and its duration in seconds."""


@contextmanager
def timed_stage(name: str, observe: StageObserver | None) -> Iterator[None]:
    """Runs the ``with`` block as the stage ``name``, then calls ``observe``, if given, with its duration."""
    started = time.perf_counter()
    yield
    if observe is not None:
        observe(name, time.perf_counter() - started)
