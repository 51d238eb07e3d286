"""Compares the passages that the gate logged as stored with those that the broker received."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_STORED = re.compile(r"\bpassage (\d+): (\S+) ")
"""The log line of the service when a passage is on disk."""


@dataclass
class Ledger:
    """Plate numbers of passages by their ``Sequence``. Passages before ``first`` are ignored."""

    first: int = 1
    stored: dict[int, str] = field(default_factory=dict)
    received: dict[int, dict[str, str]] = field(default_factory=dict)
    """Plate number by RequestId. More than one RequestId means that a sequence number was assigned twice."""
    waiting: dict[int, str] = field(default_factory=dict)
    """The RequestIds that were found on the disk at any time."""
    messages: int = 0

    def record_log(self, lines: Iterable[str]) -> None:
        """Records the passages that the log of the service reports as stored."""
        for line in lines:
            found = _STORED.search(line)
            if found and int(found[1]) >= self.first:
                self.stored[int(found[1])] = found[2]

    def record_message(self, message: Mapping[str, Any]) -> None:
        """Records one plate message."""
        response, sequence = message["Response"], message["Event"]["Sequence"]
        if sequence >= self.first:
            self.messages += 1
            self.received.setdefault(sequence, {})[response["RequestId"]] = response["Number"]

    def record_waiting(self, waiting: Mapping[int, str]) -> None:
        """Records the contents of the outbox after a power cut."""
        self.waiting.update((sequence, request) for sequence, request in waiting.items() if sequence >= self.first)

    @property
    def last(self) -> int:
        """The highest recorded sequence number."""
        return max((*self.stored, *self.received, *self.waiting), default=self.first - 1)

    def lost(self, waiting: Collection[int] = ()) -> list[int]:
        """Returns stored passages that did not arrive with their plate number and are not ``waiting`` on the disk."""
        return sorted(
            n
            for n, number in self.stored.items()
            if number not in self.received.get(n, {}).values() and n not in waiting
        )

    def gaps(self, waiting: Collection[int] = ()) -> list[int]:
        """Returns numbers below the highest that were neither received nor are ``waiting``."""
        return [n for n in range(self.first, self.last + 1) if n not in self.received and n not in waiting]

    @property
    def assigned_twice(self) -> list[int]:
        """Sequence numbers of two passages."""
        return sorted(
            n
            for n, requests in self.received.items()
            if len(requests) > 1 or self.waiting.get(n, next(iter(requests))) not in requests
        )

    @property
    def doubled(self) -> int:
        """Number of repeated messages, which are allowed."""
        return self.messages - sum(map(len, self.received.values()))
