"""What the gate told us that it had stored, what the broker received of it, and whether the two agree."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
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
    waiting: dict[int, str] = field(default_factory=dict)
    """The RequestIds that were found on the disk, at any time."""
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

    def note_waiting(self, waiting: Mapping[int, str]) -> None:
        """Take what the outbox held after a power cut."""
        self.waiting.update((sequence, request) for sequence, request in waiting.items() if sequence >= self.first)

    @property
    def last(self) -> int:
        """The highest number that anything here tells of."""
        return max((*self.stored, *self.received, *self.waiting), default=self.first - 1)

    def lost(self, waiting: Collection[int] = ()) -> list[int]:
        """Stored passages that never arrived, or arrived as another vehicle's, and are not ``waiting`` on the disk."""
        return sorted(
            n
            for n, number in self.stored.items()
            if number not in self.received.get(n, {}).values() and n not in waiting
        )

    def gaps(self, waiting: Collection[int] = ()) -> list[int]:
        """Numbers that are missing below the highest, neither received nor ``waiting``."""
        return [n for n in range(self.first, self.last + 1) if n not in self.received and n not in waiting]

    @property
    def given_twice(self) -> list[int]:
        """Sequence numbers that two passages have."""
        return sorted(
            n
            for n, requests in self.received.items()
            if len(requests) > 1 or self.waiting.get(n, next(iter(requests))) not in requests
        )

    @property
    def doubled(self) -> int:
        """Messages that came again, which is allowed."""
        return self.messages - sum(map(len, self.received.values()))
