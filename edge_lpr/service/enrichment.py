"""What a passage still lacks when the tracker gives it: what the site's lists say of its number, and its pictures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from edge_lpr.config import ListSettings
from edge_lpr.errors import EvidenceError
from edge_lpr.evidence.keeper import EvidenceKeeper
from edge_lpr.messages.payloads import JsonObject
from edge_lpr.passages import Passage
from edge_lpr.service.statistics import Pseudonyms, statistic
from edge_lpr.tracking.watchlists import NumberLists

_log = logging.getLogger(__name__)


class Enrichment:
    """Between the tracker and the publisher. ``count`` makes the statistics; None makes none."""

    def __init__(
        self, lists: ListSettings, keeper: EvidenceKeeper, count: Callable[[Passage], None] | None = None
    ) -> None:
        self._keeper = keeper
        self._count = count
        self.apply(lists)

    def apply(self, lists: ListSettings) -> None:
        """Go on with other lists."""
        self._lists = NumberLists({"known": lists.known, "blocked": lists.blocked})

    def complete(self, passage: Passage) -> Passage:
        """``passage`` with all that is published of it."""
        if self._count is not None:
            self._count(passage)
        return replace(passage, matches=self._lists.matches(passage.number), evidence=self._keeper.keep(passage))


def counter(pseudonyms: Pseudonyms, device_id: str, send: Callable[[JsonObject], None]) -> Callable[[Passage], None]:
    """What sends each passage's statistic; one that cannot be made is logged and missed, no number goes out instead."""

    def count(passage: Passage) -> None:
        try:
            send(statistic(passage, pseudonyms, device_id))
        except EvidenceError as error:
            _log.error("statistics: %s; this passage is not counted", error)

    return count
