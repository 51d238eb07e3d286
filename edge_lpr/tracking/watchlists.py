"""Watchlists: finds listed numbers that a passage's number equals or nearly equals.

A match is only reported. The number of the passage stays as it was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edge_lpr.passages import ListMatch
from edge_lpr.plates import ALPHABET


class Watchlists:
    """Lists of plate numbers by name, such as ``known`` and ``blocked``."""

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._lists = {name: frozenset(numbers) for name, numbers in lists.items()}

    def matches(self, number: str) -> tuple[ListMatch, ...]:
        """Returns the matches of ``number`` in all lists.

        A list that holds ``number`` gives this one match. Otherwise it gives each of its numbers that differs by one
        character: one changed, one missing or one extra.
        """
        return tuple(match for name, numbers in self._lists.items() for match in _list_matches(name, numbers, number))


def _list_matches(name: str, numbers: frozenset[str], number: str) -> list[ListMatch]:
    if number in numbers:
        return [ListMatch(name, number, 0)]
    # About 1,200 look-ups, independent of the length of the list.
    near = {other for other in _one_edit_away(number) if other in numbers} if numbers else set()
    return [ListMatch(name, other, 1) for other in sorted(near)]


def _one_edit_away(number: str) -> Iterator[str]:
    """Yields all texts with an edit distance of at most one."""
    for i in range(len(number) + 1):
        head, tail = number[:i], number[i:]
        if tail:
            yield head + tail[1:]
        for character in ALPHABET:
            yield head + character + tail
            if tail:
                yield head + character + tail[1:]
