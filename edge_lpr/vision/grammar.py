"""The number grammar as one table, and the cheapest way to read a row of segments as a number.

Every pattern of ``plates.KINDS`` is a row of places. A Viterbi search walks all patterns at once: at each segment it
either drops the segment or sets one of its characters on the pattern's next place, and counts the serial's letters.
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
    """One way to read the segments: the pattern (index in ``plates.PATTERNS``), what it costs in nats, and for each
    character of the number its segment and its index in ``plates.ALPHABET``."""

    pattern: int
    cost: float
    segments: tuple[int, ...]
    characters: tuple[int, ...]


def _mask(characters: str) -> NDArray[np.bool_]:
    return np.array([character in characters for character in ALPHABET])


def _tokens(pattern: tuple[str, ...]) -> list[str]:
    """A serial place is two words: its digits, which are free, and its letters, which are counted."""
    return [DIGITS if word == "s" else CLASSES.get(word, word) for word in pattern]


_TOKENS = tuple(dict.fromkeys(word for pattern in PATTERNS for word in _tokens(pattern)))
_MASKS = np.stack([_mask(word) for word in (*_TOKENS, CLASSES["l"])])  # the last: the letters of a serial place
_LENGTHS = np.array([len(pattern) for pattern in PATTERNS])
_PLACES = int(_LENGTHS.max())
_TOKEN_AT = np.zeros((len(PATTERNS), _PLACES), dtype=np.intp)
_IS_SERIAL = np.zeros((len(PATTERNS), _PLACES), dtype=bool)
_IS_PLACE = np.arange(_PLACES) < _LENGTHS[:, np.newaxis]
for _row, _pattern in enumerate(PATTERNS):
    _TOKEN_AT[_row, : len(_pattern)] = [_TOKENS.index(word) for word in _tokens(_pattern)]
    _IS_SERIAL[_row, : len(_pattern)] = [word == "s" for word in _pattern]


def cheapest_paths(
    set_costs: NDArray[np.float32], drop_costs: NDArray[np.float32], pattern_costs: NDArray[np.float32], limit: int
) -> list[ViterbiPath]:
    """The cheapest reading under each of the ``limit`` best patterns, the cheapest first; patterns that cannot be met
    are left out.

    ``set_costs`` (n, len(ALPHABET)) is the cost of each character for each segment, ``drop_costs`` (n,) of leaving
    the segment out, ``pattern_costs`` (len(PATTERNS),) is added to each pattern; all in nats.
    """
    costs = np.full((len(PATTERNS), _PLACES + 1, _LETTER_COUNTS), np.inf, dtype=np.float32)
    costs[:, 0, 0] = 0
    moves = []
    masked = np.where(_MASKS, set_costs[:, np.newaxis, :], np.float32(np.inf))  # (n, words, characters)
    word_costs, best_characters = masked.min(axis=2), masked.argmin(axis=2)
    for segment_costs, drop_cost in zip(word_costs, drop_costs, strict=True):
        plain = np.where(_IS_PLACE, segment_costs[_TOKEN_AT], np.float32(np.inf))
        letter = np.where(_IS_SERIAL, segment_costs[-1], np.float32(np.inf))
        options = np.full((3, *costs.shape), np.inf, dtype=np.float32)
        options[_DROP] = costs + drop_cost
        options[_SET, :, 1:] = costs[:, :-1] + plain[..., np.newaxis]
        options[_SET_LETTER, :, 1:, 1:] = costs[:, :-1, :-1] + letter[..., np.newaxis]
        move = options.argmin(axis=0)
        costs = options.min(axis=0)
        moves.append(move)
    rows = np.arange(len(PATTERNS))
    final = costs[rows, _LENGTHS]  # (patterns, letter counts)
    totals = final.min(axis=1) + pattern_costs
    order = [int(row) for row in np.argsort(totals, kind="stable")[:limit] if np.isfinite(totals[row])]
    return [_trace(row, float(totals[row]), int(final[row].argmin()), moves, best_characters) for row in order]


def _trace(
    row: int, cost: float, letters: int, moves: list[NDArray[np.intp]], best_characters: NDArray[np.intp]
) -> ViterbiPath:
    """Walk back from the end of a pattern to the segments and characters that led there."""
    place = int(_LENGTHS[row])
    segments: list[int] = []
    characters: list[int] = []
    for segment in range(len(moves) - 1, -1, -1):
        move = moves[segment][row, place, letters]
        if move == _DROP:
            continue
        place -= 1
        word = _TOKEN_AT[row, place] if move == _SET else -1
        letters -= int(move == _SET_LETTER)
        segments.append(segment)
        characters.append(int(best_characters[segment, word]))
    return ViterbiPath(row, cost, tuple(reversed(segments)), tuple(reversed(characters)))
