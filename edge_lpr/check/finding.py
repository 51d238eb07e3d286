"""The result of one check."""

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
    """One result. ``remedy`` says what to do if the state is not ok."""

    what: str
    state: State
    text: str
    remedy: str = ""


def failure(what: str, error: EdgeLprError) -> Finding:
    """Returns ``error`` as a failed finding."""
    return Finding(what, "failed", *split(str(error)))


def split(message: str) -> tuple[str, str]:
    """Splits an error message into text and remedy: the remedy follows the first semicolon."""
    text, _, remedy = message.partition("; ")
    return text, remedy


def print_finding(console: Console, finding: Finding) -> None:
    """Prints the finding on one line, and its remedy below."""
    line = Text.assemble((f"{finding.state:8}", _STYLES[finding.state]), f"{finding.what:9} {finding.text}")
    console.print(line)
    if finding.remedy:
        console.print(Text(f"{'':18}-> {finding.remedy}"))
