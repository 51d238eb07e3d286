"""Settings of the section ``log``."""

from __future__ import annotations

from typing import Literal

from edge_lpr.config.types import Section


class LogSettings(Section):
    """The log, on stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """Lowest level of the messages that are logged."""
