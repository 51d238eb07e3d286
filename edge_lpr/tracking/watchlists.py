"""Lists of numbers, and what of them a passage's number is near to. Reported only: the number stays as it was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from edge_lpr.plates import ALPHABET


@dataclass(frozen=True, slots=True)
class ListMatch:
    """``number`` stands on the list called ``list_name``; ``distance`` 0: exactly, 1: one character off."""

    list_name: str
    number: str
    distance: int


class Watchlists:
    """Lists by name, such as ``known`` and ``blocked``."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._lists = {name: frozenset(numbers) for name, numbers in lists.items()}

    def matches(self, number: str) -> tuple[ListMatch, ...]:
        """From each list ``number`` itself, or else every number one character off: changed, missing or too many."""
        return tuple(match for name, numbers in self._lists.items() for match in _of_list(name, numbers, number))


def _of_list(name: str, numbers: frozenset[str], number: str) -> list[ListMatch]:
    if number in numbers:
        return [ListMatch(name, number, 0)]
    # 1,200 look-ups, however long the list is.
    near = {other for other in _one_off(number) if other in numbers} if numbers else set()
    return [ListMatch(name, other, 1) for other in sorted(near)]


def _one_off(number: str) -> Iterator[str]:
    for i in range(len(number) + 1):
        head, tail = number[:i], number[i:]
        if tail:
            yield head + tail[1:]
        for character in ALPHABET:
            yield head + character + tail
            if tail:
                yield head + character + tail[1:]
