"""One thing that ``edge-lpr check`` looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rich.console import Console
from rich.text import Text

from edge_lpr.errors import EdgeLprError

State = Literal["ok", "warning", "failed"]

_STYLES: dict[State, str] = {"ok": "green", "warning": "yellow", "failed": "red"}


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


def print_finding(console: Console, finding: Finding) -> None:
    """One line, and below it what to do."""
    line = Text.assemble((f"{finding.state:8}", _STYLES[finding.state]), f"{finding.what:9} {finding.text}")
    console.print(line)
    if finding.remedy:
        console.print(Text(f"{'':18}-> {finding.remedy}"))
