"""What a passage still lacks when the tracker gives it: what the site's lists say of its number."""

from __future__ import annotations

from dataclasses import replace

from edge_lpr.config import ListSettings
from edge_lpr.tracking.lists import NumberLists
from edge_lpr.tracking.passage import Passage


class Completion:
    """Between the tracker and the publisher."""

    def __init__(self, lists: ListSettings) -> None:
        self.apply(lists)

    def apply(self, lists: ListSettings) -> None:
        """Go on with other lists."""
        self._lists = NumberLists({"known": lists.known, "blocked": lists.blocked})

    def complete(self, passage: Passage) -> Passage:
        """``passage`` with all that is published of it."""
        return replace(passage, matches=self._lists.matches(passage.number))
