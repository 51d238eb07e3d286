"""Enrichment: adds to a passage what the tracker does not have: matches with the site's lists, and kept pictures."""

from __future__ import annotations

from dataclasses import replace

from edge_lpr.config import ListSettings
from edge_lpr.evidence.writer import EvidenceWriter
from edge_lpr.passages import Passage
from edge_lpr.tracking.watchlists import Watchlists


class Enrichment:
    """Adds list matches and pictures to passages."""

    def __init__(self, lists: ListSettings, evidence: EvidenceWriter) -> None:
        self._evidence = evidence
        self.apply_lists(lists)

    def apply_lists(self, lists: ListSettings) -> None:
        """Uses other lists from the next passage on."""
        self._lists = Watchlists({"known": lists.known, "blocked": lists.blocked})

    def enrich(self, passage: Passage) -> Passage:
        """Returns ``passage`` with its list matches and the places of its pictures; writes these pictures."""
        return replace(
            passage, matches=self._lists.matches(passage.number), evidence=self._evidence.store_pictures(passage)
        )
