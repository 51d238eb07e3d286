"""Settings of the section ``log``."""

from __future__ import annotations

from typing import Literal

from edge_lpr.config.types import Section


class LogSettings(Section):
    """What goes to the log."""

    level: Literal["debug", "info", "warning", "error"] = "info"
