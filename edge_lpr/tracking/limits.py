"""Which numbers a gate publishes at all, where its settings limit their format."""

from __future__ import annotations

import re

from edge_lpr.config import PassageSettings
from edge_lpr.plates import matching_kinds
from edge_lpr.tracking.vote import Verdict


class FormatLimits:
    """``pattern`` for the whole number, and ``kinds`` of plates; without them all are allowed.

    A number is never bent to fit: what does not is not published.
    """

    def __init__(self, settings: PassageSettings) -> None:
        self._pattern = None if settings.pattern is None else re.compile(settings.pattern)
        self._kinds = frozenset(settings.kinds)

    def allow(self, verdict: Verdict) -> bool:
        """Whether a passage of ``verdict`` may be published."""
        if self._pattern is not None and self._pattern.fullmatch(verdict.number) is None:
            return False
        return not self._kinds or any(
            kind.name in self._kinds and verdict.color in kind.colors and verdict.rows in kind.rows
            for kind in matching_kinds(verdict.number)
        )
