"""Compares the passages that the gate had on disk with those that a subscriber received."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from tests.support.mqtt import Received


@dataclass(frozen=True)
class Tally:
    """Counts of passages. All but the first three must be 0. ``doubled`` counts repeats with the same RequestId."""

    produced: int
    received: int
    doubled: int
    lost: int
    gaps: int
    """Sequence numbers of no passage that arrived."""
    clashes: int
    """Passages with two RequestIds, or RequestIds with two passages."""
    out_of_order: int
    """Passages that first arrived after a later one."""

    @property
    def is_sound(self) -> bool:
        """Whether nothing was lost, mixed up or out of order."""
        return not (self.lost or self.gaps or self.clashes or self.out_of_order)

    def __str__(self) -> str:
        return ", ".join(f"{getattr(self, each.name)} {each.name.replace('_', ' ')}" for each in fields(self))


def tally(messages: Sequence[Received], last: int, accepted: Mapping[int, str] | None = None, first: int = 1) -> Tally:
    """Counts the passages ``first`` to ``last`` in ``messages``.

    ``accepted`` has the RequestIds of the passages that the gate reported as stored; None if it does not report them.
    """
    ids: dict[int, set[str]] = {number: {request_id} for number, request_id in (accepted or {}).items()}
    arrived: set[int] = set()
    doubled = out_of_order = newest = 0
    for message in messages:
        number, request_id = message.json["Event"]["Sequence"], message.json["Response"]["RequestId"]
        if not first <= number <= last:
            continue
        ids.setdefault(number, set()).add(request_id)
        if number in arrived:
            doubled += 1
            continue
        out_of_order += number < newest
        newest = max(newest, number)
        arrived.add(number)
    distinct = {request_id for each in ids.values() for request_id in each}
    owned = sum(len(each) for each in ids.values())
    missing = set(range(first, last + 1)) - arrived
    lost = missing & set(accepted) if accepted is not None else missing
    clashes = sum(len(each) > 1 for each in ids.values()) + owned - len(distinct)
    return Tally(
        produced=last - first + 1,
        received=len(arrived),
        doubled=doubled,
        lost=len(lost),
        gaps=len(missing) - len(lost),
        clashes=clashes,
        out_of_order=out_of_order,
    )
