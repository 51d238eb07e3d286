"""Limits that a process sets for itself before it takes anything from a stranger. None of them can be lifted again."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import signal
from pathlib import Path

MEGABYTE = 1_000_000

NICENESS = 10
"""A process with this value gets a ninth of the processor beside one without. Source: sched(7)."""

OUT_OF_MEMORY_SCORE = 500
"""As if this process used half of the machine's memory more than it does."""

_PR_SET_PDEATHSIG = 1
_log = logging.getLogger(__name__)


def lower_priority() -> None:
    """Gives this process a lower priority at the processor than the gate's. Logs if the system does not allow it."""
    try:
        os.nice(NICENESS)
    except OSError as error:
        _log.warning("the server process keeps the gate's priority at the processor: %s", error.strerror)


def offer_to_out_of_memory_killer() -> None:
    """Makes the kernel end this process, and those that it starts, before the gate when memory runs out.

    Source: proc(5), /proc/pid/oom_score_adj.
    """
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OUT_OF_MEMORY_SCORE), encoding="ascii")
    except OSError as error:
        _log.warning("the server process cannot offer itself to the out-of-memory killer: %s", error.strerror)


def limit_memory(megabytes: float) -> None:
    """Bounds the memory that this process may allocate; beyond it Python raises MemoryError. Never lifts a limit.

    The limit is on private data (RLIMIT_DATA), not on address space: threads and libraries reserve far more addresses
    than they use. Source: setrlimit(2).
    """
    size = round(megabytes * MEGABYTE)
    _, present = resource.getrlimit(resource.RLIMIT_DATA)
    if present != resource.RLIM_INFINITY:
        size = min(size, present)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def end_with_parent() -> None:
    """Makes the kernel kill this process when the thread that started it ends, in whatever way. Source: prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def forbid_files() -> None:
    """Makes this process unable to write files."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def limit_work(seconds: float) -> None:
    """Ends this process once it has used ``seconds`` more of the processor, in all its threads. 0 lifts the limit.

    The signal SIGPROF has no handler, so it ends the process. Source: setitimer(2).
    """
    signal.setitimer(signal.ITIMER_PROF, seconds)
