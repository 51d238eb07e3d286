"""Tests an answer at once, and shows the finding as ``edge-lpr check`` does."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from edge_lpr.check.finding import Finding, print_finding
from edge_lpr.errors import ConfigError
from edge_lpr.setup.asking import ask_yes

Check = Callable[[], Finding]


def is_accepted(check: Check, what: str, console: Console) -> bool:
    """Tests an answer; returns whether it is kept.

    The person decides about an answer that fails its test. A value that the settings cannot hold is never kept.
    """
    print("  trying it ...", flush=True)
    try:
        finding = check()
    except ConfigError as error:
        print_finding(console, Finding(what, "failed", str(error)))
        return False
    print_finding(console, finding)
    return finding.state != "failed" or ask_yes(f"Keep this {what} all the same?", default=False)
