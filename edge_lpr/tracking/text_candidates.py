"""How far two plate numbers are from each other, and the likeliest valid number that evidence allows."""

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
"""Numbers tried before evidence counts as no plate at all."""

INVALID_PRIOR = 0.1
"""How likely a thing that is no valid plate is, against a plate. A rival character that would make the number
invalid counts this much less: B is not unsure where an 8 cannot stand, but a number bent into shape stays unsure."""

is_valid = lru_cache(maxsize=8192)(is_valid_number)


def edit_distance(a: str, b: str) -> int:
    """Levenshtein distance: characters to change, insert or delete."""
    if a == b:
        return 0
    row = list(range(len(b) + 1))
    for i, character in enumerate(a, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (character != other))
    return row[-1]


def best_valid_number(logits: NDArray[np.float64]) -> str | None:
    """The likeliest valid plate number, or None when no valid one is among the likeliest ``MAX_TRIES``.

    ``logits`` has shape (length, len(ALPHABET)): unnormalised log-probabilities of each position's character.
    Numbers are tried from the likeliest on: exact, unlike a beam, and the first try nearly always succeeds.
    """
    order = np.argsort(-logits, axis=1, kind="stable")[:, :CANDIDATES]
    scores = np.take_along_axis(logits, order, axis=1)
    steps = [[float(better - worse) for better, worse in pairwise(row)] for row in scores]
    length = len(order)
    # (loss against the likeliest, rank of the character at each position, first position that may still be worsened)
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
    """The probability, 0.0 to 1.0, of the least sure character of ``number``.

    ``logits`` is as for ``best_valid_number``. The average would hide the one bad character.
    """
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return min(_certainty_at(probabilities[i], number, i) for i in range(len(number)))


def _certainty_at(probabilities: NDArray[np.float64], number: str, position: int) -> float:
    chosen = float(probabilities[ALPHABET.index(number[position])])
    rivals = 1.0 - chosen
    for index in np.argsort(-probabilities)[:CANDIDATES]:
        rival = number[:position] + ALPHABET[index] + number[position + 1 :]
        if not is_valid(rival):
            rivals -= (1.0 - INVALID_PRIOR) * float(probabilities[index])
    return chosen / (chosen + max(rivals, 0.0))
