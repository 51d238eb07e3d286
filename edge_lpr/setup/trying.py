"""An answer tried at once, and what came of it shown as ``edge-lpr check`` shows it."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from edge_lpr.check.finding import Finding, print_finding
from edge_lpr.errors import ConfigError
from edge_lpr.setup.asking import ask_yes

Look = Callable[[], Finding]


def holds(look: Look, what: str, console: Console) -> bool:
    """Whether the answer stands: what failed only where the person says so, what no settings may hold never."""
    print("  trying it ...", flush=True)
    try:
        finding = look()
    except ConfigError as error:
        print_finding(console, Finding(what, "failed", str(error)))
        return False
    print_finding(console, finding)
    return finding.state != "failed" or ask_yes(f"Keep this {what} all the same?", default=False)
