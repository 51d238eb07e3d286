"""The number grammar as a table, and a Viterbi search for the cheapest valid numbers.

Each pattern of ``plates.KINDS`` is one row of the table. The search walks all patterns at once. At each segment it
either drops the segment or sets one of its characters on the next place of the pattern. It also counts the letters of
the serial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET, CLASSES, DIGITS, MAX_SERIAL_LETTERS, PATTERNS

_LETTER_COUNTS = MAX_SERIAL_LETTERS + 1

_DROP, _SET, _SET_LETTER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class ViterbiPath:
    """One way to read the segments as a number.

    Attributes:
        pattern: Index of the pattern in ``plates.PATTERNS``.
        cost: Cost in nats.
        segments: For each character of the number, the index of its segment.
        characters: For each character of the number, its index in ``plates.ALPHABET``.
    """

    pattern: int
    cost: float
    segments: tuple[int, ...]
    characters: tuple[int, ...]


def _mask(characters: str) -> NDArray[np.bool_]:
    return np.array([character in characters for character in ALPHABET])


def _character_sets(pattern: tuple[str, ...]) -> list[str]:
    """Returns the characters that each place allows; of a serial place only the digits, as its letters are counted."""
    return [DIGITS if token == "s" else CLASSES.get(token, token) for token in pattern]


_SETS = tuple(dict.fromkeys(characters for pattern in PATTERNS for characters in _character_sets(pattern)))
_MASKS = np.stack([_mask(characters) for characters in (*_SETS, CLASSES["l"])])  # the last: letters of a serial place
_LENGTHS = np.array([len(pattern) for pattern in PATTERNS])
_PLACES = int(_LENGTHS.max())
_SET_AT = np.zeros((len(PATTERNS), _PLACES), dtype=np.intp)
_IS_SERIAL = np.zeros((len(PATTERNS), _PLACES), dtype=bool)
_IS_PLACE = np.arange(_PLACES) < _LENGTHS[:, np.newaxis]
for _row, _pattern in enumerate(PATTERNS):
    _SET_AT[_row, : len(_pattern)] = [_SETS.index(characters) for characters in _character_sets(_pattern)]
    _IS_SERIAL[_row, : len(_pattern)] = [token == "s" for token in _pattern]


def cheapest_paths(
    set_costs: NDArray[np.float32], drop_costs: NDArray[np.float32], pattern_costs: NDArray[np.float32], limit: int
) -> list[ViterbiPath]:
    """Finds the cheapest path of each pattern and returns the ``limit`` best of them, the cheapest first.

    Patterns that the segments cannot fill are left out. All costs are in nats.

    Args:
        set_costs: Cost of each character for each segment, of shape (n, len(ALPHABET)).
        drop_costs: Cost of dropping each segment, of shape (n,).
        pattern_costs: Cost of each pattern, of shape (len(PATTERNS),).
        limit: Most paths to return.
    """
    costs = np.full((len(PATTERNS), _PLACES + 1, _LETTER_COUNTS), np.inf, dtype=np.float32)
    costs[:, 0, 0] = 0
    moves = []
    masked = np.where(_MASKS, set_costs[:, np.newaxis, :], np.float32(np.inf))  # (n, sets, characters)
    best_costs, best_characters = masked.min(axis=2), masked.argmin(axis=2)
    for segment_costs, drop_cost in zip(best_costs, drop_costs, strict=True):
        plain = np.where(_IS_PLACE, segment_costs[_SET_AT], np.float32(np.inf))
        letter = np.where(_IS_SERIAL, segment_costs[-1], np.float32(np.inf))
        options = np.full((3, *costs.shape), np.inf, dtype=np.float32)
        options[_DROP] = costs + drop_cost
        options[_SET, :, 1:] = costs[:, :-1] + plain[..., np.newaxis]
        options[_SET_LETTER, :, 1:, 1:] = costs[:, :-1, :-1] + letter[..., np.newaxis]
        moves.append(options.argmin(axis=0))
        costs = options.min(axis=0)
    rows = np.arange(len(PATTERNS))
    final = costs[rows, _LENGTHS]  # (patterns, letter counts)
    totals = final.min(axis=1) + pattern_costs
    order = [int(row) for row in np.argsort(totals, kind="stable")[:limit] if np.isfinite(totals[row])]
    return [_backtrack(row, float(totals[row]), int(final[row].argmin()), moves, best_characters) for row in order]


def _backtrack(
    row: int, cost: float, letters: int, moves: list[NDArray[np.intp]], best_characters: NDArray[np.intp]
) -> ViterbiPath:
    """Walks back from the end of the pattern ``row``, with ``letters`` serial letters, and collects the path."""
    place = int(_LENGTHS[row])
    segments: list[int] = []
    characters: list[int] = []
    for segment in range(len(moves) - 1, -1, -1):
        move = moves[segment][row, place, letters]
        if move == _DROP:
            continue
        place -= 1
        character_set = _SET_AT[row, place] if move == _SET else -1
        letters -= int(move == _SET_LETTER)
        segments.append(segment)
        characters.append(int(best_characters[segment, character_set]))
    return ViterbiPath(row, cost, tuple(reversed(segments)), tuple(reversed(characters)))
