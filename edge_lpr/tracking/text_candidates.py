"""Edit distance of plate numbers, and the search for the most likely valid number."""

from __future__ import annotations

import heapq
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET, is_valid_number

CANDIDATES = 8
"""Characters tried at each position."""

MAX_TRIES = 400
"""Numbers tried before the search gives up and the text counts as no plate."""

INVALID_PRIOR = 0.1
"""Prior probability of an invalid number, relative to a valid one.

A rival character that would make the number invalid is multiplied by this. Example: a B where an 8 is not allowed
stays certain. A text that was only made valid by the search still stays uncertain.
"""

is_valid = lru_cache(maxsize=8192)(is_valid_number)


def edit_distance(a: str, b: str) -> int:
    """Returns the Levenshtein distance: the number of characters to change, insert or delete."""
    if a == b:
        return 0
    row = list(range(len(b) + 1))
    for i, character in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (character != other))
    return row[-1]


def best_valid_number(logits: NDArray[np.float64]) -> str | None:
    """Returns the most likely valid plate number; None if the ``MAX_TRIES`` most likely numbers are all invalid.

    ``logits`` has shape (length, len(ALPHABET)): unnormalised log-probabilities of the character at each position.
    Numbers are tried in order of falling probability (best-first search). Unlike beam search this is exact, and the
    first try nearly always succeeds.
    """
    order = np.argsort(-logits, axis=1, kind="stable")[:, :CANDIDATES]
    scores = np.take_along_axis(logits, order, axis=1)
    steps = [[float(better - worse) for better, worse in pairwise(row)] for row in scores]
    length = len(order)
    # (loss against the most likely number, rank of the character at each position, first position that may change)
    queue: list[tuple[float, tuple[int, ...], int]] = [(0.0, (0,) * length, 0)]
    for _ in range(MAX_TRIES):
        if not queue:
            return None
        loss, ranks, first = heapq.heappop(queue)
        number = "".join(ALPHABET[order[i, rank]] for i, rank in enumerate(ranks))
        if is_valid(number):
            return number
        for i in range(first, length):
            if ranks[i] < len(steps[i]):
                worse = (*ranks[:i], ranks[i] + 1, *ranks[i + 1 :])
                heapq.heappush(queue, (loss + steps[i][ranks[i]], worse, i))
    return None


def certainty(logits: NDArray[np.float64], number: str) -> float:
    """Returns the probability, 0.0 to 1.0, of the least certain character of ``number``.

    ``logits`` has the same form as for ``best_valid_number``. An average would hide a single bad character.
    """
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return min(_character_certainty(probabilities[i], number, i) for i in range(len(number)))


def _character_certainty(probabilities: NDArray[np.float64], number: str, position: int) -> float:
    chosen = float(probabilities[ALPHABET.index(number[position])])
    rivals = 1.0 - chosen
    for index in np.argsort(-probabilities)[:CANDIDATES]:
        rival = number[:position] + ALPHABET[index] + number[position + 1 :]
        if not is_valid(rival):
            rivals -= (1.0 - INVALID_PRIOR) * float(probabilities[index])
    return chosen / (chosen + max(rivals, 0.0))
