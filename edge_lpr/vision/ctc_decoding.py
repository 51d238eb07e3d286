"""Decodes the recognizer's probabilities to a number: CTC segments first, then the best number under the grammar.

Pure numpy, without state. The picture comes first: the grammar only chooses among the characters that the picture
leaves open. The confidence is that of the picture, so a number that the grammar had to force gets a low one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import (
    ALPHABET,
    COLORS,
    KINDS,
    PATTERNS,
    PROVINCES,
    Color,
    is_known_authority,
    is_valid_number,
    matching_kinds,
)
from edge_lpr.vision.ctc_classes import BLANK, LOOKALIKES, MIN_PROBABILITY
from edge_lpr.vision.grammar import ViterbiPath, cheapest_paths
from edge_lpr.vision.recognizer import Recognition

MAX_COST = 12.0
"""Highest cost of a number, in nats. A higher cost means that the picture does not show this number: e^-12 is about one
in 160,000."""

MIN_LENGTH, MAX_LENGTH = min(map(len, PATTERNS)), max(map(len, PATTERNS))
"""Fewest (6) and most (9) characters of a plate."""

_UNAMBIGUOUS_PROBABILITY = 0.9  # neither colour nor grammar can overturn a character with this probability
_HIDDEN_PROBABILITY = 0.05  # a step that decodes to blank may hide a character if the other classes have this much
_MIN_COLOR_PROBABILITY, _MIN_ROWS_PROBABILITY = 0.005, 0.02  # bounds the cost that colour and rows can add
_MAX_PATTERNS = 4  # patterns compared again once the issuing authority is checked
_INVALID_NUMBER_COST = 40.0  # nats; an invalid number wins only if no pass reads a valid one
_UNLISTED_AUTHORITY_COST = 3.0  # nats, for an issuing letter that no list has
_POLICE_LETTER_COST = 2.0  # nats, for the issuing letter O, which only police organs have
_AUTHORITY_CANDIDATES = 4  # provinces, and letters, tried in place of an unlisted pair

_LOOKALIKES = list(LOOKALIKES)
_LETTERS = np.array([index for index, character in enumerate(ALPHABET) if character.isascii() and character.isalpha()])
_COLORS_AND_ROWS = tuple(
    tuple({(color, row) for kind in KINDS if kind.pattern == pattern for color in kind.colors for row in kind.rows})
    for pattern in PATTERNS
)
"""For each pattern, the pairs of colour and row count of its kinds."""


class Segment(NamedTuple):
    """A run of steps that shows one character, or may show one.

    Attributes:
        start: First step.
        stop: Step after the last one.
        presence: Probability that there is a character at all.
        distribution: Probabilities over ``plates.ALPHABET``, without the blank; sums to 1.
        in_greedy: Whether greedy decoding reads this segment.
    """

    start: int
    stop: int
    presence: float
    distribution: NDArray[np.float32]
    in_greedy: bool


@dataclass(frozen=True, slots=True, eq=False)
class DecodedNumber:
    """A number decoded from one plate.

    Attributes:
        number: The number, without separators.
        raw_confidence: 0.0-1.0, before calibration: the probability of the least certain decision. That is one of the
            characters, or that there is a legible plate at all.
        valid: Whether the number is valid under the grammar.
        character_probabilities: float32 of shape (len(number), len(ALPHABET)).
    """

    number: str
    raw_confidence: float
    valid: bool
    character_probabilities: NDArray[np.float32]


def find_segments(steps: NDArray[np.float32]) -> list[Segment]:
    """Returns the segments of ``steps``, in order.

    ``steps`` are probabilities of shape (n, 1 + len(ALPHABET)). Besides the segments that greedy CTC decoding reads,
    a run of blank steps in which another class has some probability is returned, with a low presence.
    """
    best = steps.argmax(axis=1)
    labels = np.where((best == BLANK) & (1 - steps[:, BLANK] > _HIDDEN_PROBABILITY), -1, best)
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    segments = []
    for start, stop in pairwise(edges):
        label = int(labels[start])
        run = steps[start:stop]
        if label == BLANK:
            continue
        if label > 0:
            presence = 1 - _absence_probability(steps, labels, start, stop)
        elif _is_edge_of_neighbour(steps, labels, start, stop):
            continue
        else:
            presence = float(1 - run[:, BLANK].min())
        mass = run[:, 1:].sum(axis=0)
        segments.append(Segment(start, stop, presence, mass / mass.sum(), label > 0))
    return segments


def _absence_probability(steps: NDArray[np.float32], labels: NDArray[np.intp], start: int, stop: int) -> float:
    """Returns the probability that each step of a run is blank, or belongs to an adjacent run."""
    run = steps[start:stop]
    others = run[:, BLANK].copy()
    adjacent = {int(labels[step]) for step in (start - 1, stop) if 0 <= step < len(labels)}
    for label in adjacent - {BLANK, -1, int(labels[start])}:
        others += run[:, label]
    return float(np.clip(others, MIN_PROBABILITY, 1 - MIN_PROBABILITY).prod())


def _is_edge_of_neighbour(steps: NDArray[np.float32], labels: NDArray[np.intp], start: int, stop: int) -> bool:
    """Returns whether a hidden run is only the fading edge of the character next to it."""
    likeliest = int(steps[start:stop, 1:].sum(axis=0).argmax()) + 1
    return any(0 <= step < len(labels) and labels[step] == likeliest for step in (start - 1, stop))


def greedy_number(segments: list[Segment]) -> str:
    """Returns the result of greedy CTC decoding."""
    return "".join(ALPHABET[int(segment.distribution.argmax())] for segment in segments if segment.in_greedy)


def decode(recognition: Recognition) -> DecodedNumber | None:
    """Returns the best number for ``recognition``, or None if it shows no plate.

    The grammar, the colour and the row count decide together. If no valid number is plausible, the greedy number is
    returned with ``valid`` false, provided that it may be a plate of an unsupported kind.
    """
    decoded = _decode(recognition)
    if decoded is None:
        return None
    return replace(decoded, raw_confidence=min(decoded.raw_confidence, recognition.legible))


def _decode(recognition: Recognition) -> DecodedNumber | None:
    segments = find_segments(recognition.steps)
    unambiguous = _unambiguous_number(segments, recognition)
    if unambiguous is not None:
        return unambiguous
    path = _best_path(segments, recognition) if segments else None
    return _greedy_fallback(segments) if path is None else _from_path(segments, path)


def _unambiguous_number(segments: list[Segment], recognition: Recognition) -> DecodedNumber | None:
    """Returns the greedy number if the grammar search could not change it: each character sure, colour consistent."""
    if not all(segment.in_greedy for segment in segments):
        return None
    certainties = [segment.presence * float(segment.distribution.max()) for segment in segments]
    if min(certainties, default=0.0) < _UNAMBIGUOUS_PROBABILITY:
        return None
    number = greedy_number(segments)
    color = COLORS[int(recognition.colors.argmax())]
    kinds = matching_kinds(number)
    if not kinds or not (color is Color.OTHER or any(color in kind.colors for kind in kinds)):
        return None
    if number[0] in PROVINCES and number[1].isalpha() and not is_known_authority(number[0], number[1]):
        return None
    return DecodedNumber(number, min(certainties), True, np.stack([segment.distribution for segment in segments]))


def _from_path(segments: list[Segment], path: ViterbiPath) -> DecodedNumber:
    number = "".join(ALPHABET[character] for character in path.characters)
    places = zip(path.segments, path.characters, strict=True)
    probabilities = np.stack(
        [_merge_lookalikes(segments[index].distribution, character) for index, character in places]
    )
    raw = _least_certainty(segments, path, probabilities)
    return DecodedNumber(number, raw, is_valid_number(number), probabilities)


def _greedy_fallback(segments: list[Segment]) -> DecodedNumber | None:
    number = greedy_number(segments)
    # A plate of an unsupported kind has a Chinese character. A timestamp, a phone number or a brand has none.
    if not MIN_LENGTH <= len(number) <= MAX_LENGTH or number.isascii():
        return None
    read = [segment for segment in segments if segment.in_greedy]
    raw = min(segment.presence * float(segment.distribution.max()) for segment in read)
    return DecodedNumber(number, raw, False, np.stack([segment.distribution for segment in read]))


def prior_cost(number: str) -> float:
    """Returns the cost of ``number`` before any picture, in nats.

    The cost is high for an invalid number, lower for an issuing letter that its province does not use, else 0.
    """
    if not is_valid_number(number):
        return _INVALID_NUMBER_COST
    if number[0] not in PROVINCES or not number[1].isalpha() or not number[1].isascii():
        return 0.0
    return _authority_cost(ALPHABET.index(number[0]), ALPHABET.index(number[1]))


def _best_path(segments: list[Segment], recognition: Recognition) -> ViterbiPath | None:
    presence = np.array([segment.presence for segment in segments], dtype=np.float32)
    presence = presence.clip(MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    distributions = np.stack([segment.distribution for segment in segments])
    distributions[:, _LOOKALIKES] = distributions[:, _LOOKALIKES].sum(axis=1, keepdims=True)
    set_costs = -np.log(np.maximum(distributions * presence[:, np.newaxis], np.float32(MIN_PROBABILITY)))
    paths = cheapest_paths(set_costs, -np.log1p(-presence), _pattern_costs(recognition), _MAX_PATTERNS)
    # The issuing authority depends on two characters. The Viterbi search rates each character alone.
    best = min((_correct_authority(path, set_costs) for path in paths), key=lambda path: path.cost, default=None)
    return best if best is not None and best.cost <= MAX_COST else None


def _merge_lookalikes(distribution: NDArray[np.float32], character: int) -> NDArray[np.float32]:
    """Moves the probability of all lookalikes to ``character``, if it is one of them."""
    if character not in _LOOKALIKES:
        return distribution
    merged = distribution.copy()
    merged[_LOOKALIKES] = 0.0
    merged[character] = distribution[_LOOKALIKES].sum()
    return merged


def _pattern_costs(recognition: Recognition) -> NDArray[np.float32]:
    """Returns the cost of colour and rows for each pattern: that of its most likely kind."""
    colors = dict(zip(COLORS, (-np.log(np.maximum(recognition.colors, _MIN_COLOR_PROBABILITY))).tolist(), strict=True))
    rows = (-np.log(np.maximum(recognition.rows, _MIN_ROWS_PROBABILITY))).tolist()
    costs = [min(colors[color] + rows[row - 1] for color, row in pairs) for pairs in _COLORS_AND_ROWS]
    return np.array(costs, dtype=np.float32)


def _correct_authority(path: ViterbiPath, set_costs: NDArray[np.float32]) -> ViterbiPath:
    """Adds the cost of the pair of province and issuing letter, or replaces the pair where that is cheaper."""
    if PATTERNS[path.pattern][:2] != ("p", "a"):
        return path
    if _authority_cost(path.characters[0], path.characters[1]) == 0:
        return path
    candidates = []
    first, second = (set_costs[segment] for segment in path.segments[:2])
    rest = path.cost - float(first[path.characters[0]] + second[path.characters[1]])
    likely_letters = _LETTERS[np.argsort(second[_LETTERS], kind="stable")[:_AUTHORITY_CANDIDATES]].tolist()
    for province in np.argsort(first[: len(PROVINCES)], kind="stable")[:_AUTHORITY_CANDIDATES].tolist():
        for letter in likely_letters:
            cost = rest + float(first[province] + second[letter]) + _authority_cost(province, letter)
            candidates.append(ViterbiPath(path.pattern, cost, path.segments, (province, letter, *path.characters[2:])))
    return min(candidates, key=lambda candidate: candidate.cost)


def _authority_cost(province: int, letter: int) -> float:
    if ALPHABET[letter] == "O":
        return _POLICE_LETTER_COST
    return 0.0 if is_known_authority(ALPHABET[province], ALPHABET[letter]) else _UNLISTED_AUTHORITY_COST


def _least_certainty(segments: list[Segment], path: ViterbiPath, probabilities: NDArray[np.float32]) -> float:
    """Returns the probability of the least certain decision: a character that was set, or a segment that was dropped.

    ``probabilities`` are those of the characters of ``path``, of shape (characters, len(ALPHABET)).
    """
    used = set(path.segments)
    certainties = [
        segments[index].presence * float(row[character])
        for index, character, row in zip(path.segments, path.characters, probabilities, strict=True)
    ]
    certainties += [1 - segment.presence for index, segment in enumerate(segments) if index not in used]
    return min(certainties)
