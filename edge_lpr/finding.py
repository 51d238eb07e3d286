"""One thing that ``edge-lpr check`` looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_lpr.errors import EdgeLprError

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """``remedy`` says what to do where it is not ok."""

    what: str
    state: State
    text: str
    remedy: str = ""


def failure(what: str, error: EdgeLprError) -> Finding:
    """The finding that ``error`` makes."""
    return Finding(what, "failed", *split(str(error)))


def split(message: str) -> tuple[str, str]:
    """Text and remedy: our error lines end with the remedy, behind a semicolon."""
    text, _, remedy = message.partition("; ")
    return text, remedy
