"""What the gate told us that it had stored, what the broker received of it, and whether the two agree."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_STORED = re.compile(r"\bpassage (\d+): (\S+) ")
"""The line that the service logs when a passage is on disk."""


@dataclass
class Ledger:
    """Passages by their ``Sequence``; numbers as they were read. What came before ``first`` is another story."""

    first: int = 1
    stored: dict[int, str] = field(default_factory=dict)
    received: dict[int, dict[str, str]] = field(default_factory=dict)
    """Number by RequestId: more than one RequestId means that a sequence number was given out twice."""
    messages: int = 0

    def note_log(self, lines: Iterable[str]) -> None:
        """Take the passages that the service's log calls stored."""
        for line in lines:
            found = _STORED.search(line)
            if found and int(found[1]) >= self.first:
                self.stored[int(found[1])] = found[2]

    def note_message(self, message: Mapping[str, Any]) -> None:
        """Take one plate message."""
        response, sequence = message["Response"], message["Event"]["Sequence"]
        if sequence >= self.first:
            self.messages += 1
            self.received.setdefault(sequence, {})[response["RequestId"]] = response["Number"]

    @property
    def lost(self) -> list[int]:
        """Stored passages that never arrived, or arrived as another vehicle's."""
        return sorted(n for n, number in self.stored.items() if number not in self.received.get(n, {}).values())

    @property
    def gaps(self) -> list[int]:
        """Sequence numbers that are missing below the highest that arrived."""
        return [n for n in range(self.first, max(self.received, default=0) + 1) if n not in self.received]

    @property
    def given_twice(self) -> list[int]:
        """Sequence numbers that two passages have."""
        return sorted(n for n, requests in self.received.items() if len(requests) > 1)

    @property
    def repeated(self) -> int:
        """Messages that came again, which is allowed."""
        return self.messages - sum(map(len, self.received.values()))

    @property
    def is_whole(self) -> bool:
        """Nothing lost, no gap, no number twice."""
        return not (self.lost or self.gaps or self.given_twice)
