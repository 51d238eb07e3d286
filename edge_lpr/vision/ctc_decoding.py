"""From the recognizer's probabilities to a number: CTC segments, then the reading that the number grammar allows.

Pure numpy, no state. The picture has the first word: the grammar chooses among what the picture leaves open, and the
confidence is that of the picture, so a number forced by the grammar is reported with the little faith it deserves.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET, COLORS, KINDS, PATTERNS, PROVINCES, Color, is_known_authority, matching_kinds
from edge_lpr.plates import is_valid_number as is_valid
from edge_lpr.vision.ctc_classes import LOOKALIKES, MIN_PROBABILITY
from edge_lpr.vision.grammar import ViterbiPath, cheapest_paths
from edge_lpr.vision.model_file import Calibration
from edge_lpr.vision.recognizer import Recognition

MAX_COST = 12.0
"""Nats. A number that needs more is not what the picture shows: e^-12 is about one in 160,000."""

MAX_INVALID_NUMBER_CONFIDENCE = 20
"""No reading that breaks the grammar is reported above this confidence (0-100)."""

SURE_DETECTION_SCORE, CERTAIN_DETECTION_SCORE = 0.75, 0.92
"""Score (0.0-1.0) from which on the detector alone is believed that there is a plate, be it too narrow to be read or
read with doubt, and from which on with any doubt; a headlamp comes up to 0.7, a sign lettered like a plate to 0.9."""
CLEAR_CONFIDENCE, FAIR_CONFIDENCE = 0.5, 0.22
"""Raw confidence from which on a number is believed though it is of no known kind, or the detection is not sure; and
from which on though that is not certain. Of 9,200 rendered plates and 244 real ones none was read right with less."""

MIN_LENGTH, MAX_LENGTH = min(map(len, PATTERNS)), max(map(len, PATTERNS))
"""No kind of plate has fewer characters (6) or more (9)."""

_UNAMBIGUOUS_PROBABILITY = 0.9  # such a place has no rival that colour or grammar could bring up
_HIDDEN_CHARACTER_PROBABILITY = 0.05  # a blank step with so much of another class hides a character
_MIN_COLOR_PROBABILITY, _MIN_ROWS_PROBABILITY = 0.005, 0.02  # how far colour and rows can speak against a number
_MAX_PATTERNS = 4  # how many patterns are weighed against each other once the issuing authority is known
_INVALID_NUMBER_COST = 40.0  # nats: a number of no known kind counts where no look reads one that is
_UNLISTED_AUTHORITY_COST, _POLICE_LETTER_COST = (
    3.0,
    2.0,
)  # nats for an issuing letter that no list has; for O, police organs only


class Segment(NamedTuple):
    """One stretch of steps that shows one character, or may.

    ``presence`` is the probability that there is a character at all. ``distribution`` is over ``plates.ALPHABET``,
    blank taken out, summing to 1. ``in_greedy`` tells whether greedy decoding sees it.
    """

    start: int
    stop: int
    presence: float
    distribution: NDArray[np.float32]
    in_greedy: bool


@dataclass(frozen=True, slots=True, eq=False)
class DecodedNumber:
    """A number read off one plate.

    ``raw_confidence`` (0.0-1.0) is that of the least certain decision, before calibration: one of the characters, or
    that there is a legible plate at all. ``valid`` tells whether the number is one of a known kind.
    ``character_probabilities`` is float32 of shape (len(number), len(ALPHABET)).
    """

    number: str
    raw_confidence: float
    valid: bool
    character_probabilities: NDArray[np.float32]


def find_segments(steps: NDArray[np.float32]) -> list[Segment]:
    """The stretches of ``steps`` (n, 1 + len(ALPHABET); probabilities, class 0 blank) that show a character.

    Besides those that greedy CTC decoding sees, a stretch of blank steps through which a character shimmers is
    given as one with a low presence.
    """
    labels = np.where(
        (steps.argmax(axis=1) == 0) & (1 - steps[:, 0] > _HIDDEN_CHARACTER_PROBABILITY), -1, steps.argmax(axis=1)
    )
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    segments = []
    for start, stop in pairwise(edges):
        label = int(labels[start])
        run = steps[start:stop]
        if label == 0:
            continue
        if label > 0:
            presence = 1 - _absence_probability(steps, labels, start, stop)
        elif _is_edge_of_neighbour(steps, labels, start, stop):
            continue
        else:
            presence = float(1 - run[:, 0].min())
        mass = run[:, 1:].sum(axis=0)
        segments.append(Segment(start, stop, presence, mass / mass.sum(), label > 0))
    return segments


def _absence_probability(steps: NDArray[np.float32], labels: NDArray[np.intp], start: int, stop: int) -> float:
    """The probability that a run is not there: each of its steps is blank, or belongs to a neighbour it touches."""
    run = steps[start:stop]
    others = run[:, 0].copy()
    own = labels[start]
    touching = {int(labels[step]) for step in (start - 1, stop) if 0 <= step < len(labels)} - {0, -1, int(own)}
    for label in touching:
        others += run[:, label]
    return float(np.clip(others, MIN_PROBABILITY, 1 - MIN_PROBABILITY).prod())


def _is_edge_of_neighbour(steps: NDArray[np.float32], labels: NDArray[np.intp], start: int, stop: int) -> bool:
    """Whether a shimmering run is the fading edge of the character that it touches, and no further one."""
    favourite = int(steps[start:stop, 1:].sum(axis=0).argmax()) + 1
    return any(0 <= step < len(labels) and labels[step] == favourite for step in (start - 1, stop))


def greedy_number(segments: list[Segment]) -> str:
    """What plain CTC decoding reads."""
    return "".join(ALPHABET[int(segment.distribution.argmax())] for segment in segments if segment.in_greedy)


def decode(recognition: Recognition) -> DecodedNumber | None:
    """The best number for what the recognizer saw, or None when it saw no plate.

    The grammar, the colour and the row count decide together. Where no valid number is plausible, the plain reading
    is given with ``valid`` false, if it could be a plate of a kind that we don't know.
    """
    decoded = _decode(recognition)
    if decoded is None:
        return None
    return replace(decoded, raw_confidence=min(decoded.raw_confidence, recognition.legible))


def _decode(recognition: Recognition) -> DecodedNumber | None:
    segments = find_segments(recognition.steps)
    clear = _unambiguous_number(segments, recognition)
    if clear is not None:
        return clear
    path = _cheapest_path(segments, recognition) if segments else None
    if path is not None:
        number = "".join(ALPHABET[character] for character in path.characters)
        places = zip(path.segments, path.characters, strict=True)
        character_probabilities = np.stack(
            [_resolve_lookalikes(segments[index].distribution, character) for index, character in places]
        )
        return DecodedNumber(
            number, _least_certainty(segments, path, character_probabilities), is_valid(number), character_probabilities
        )
    shown = [segment for segment in segments if segment.in_greedy]
    number = greedy_number(segments)
    # a plate of a kind that we don't know has a Chinese character; a timestamp, a phone number, a brand has none
    if not MIN_LENGTH <= len(number) <= MAX_LENGTH or number.isascii():
        return None
    raw = min(segment.presence * float(segment.distribution.max()) for segment in shown)
    character_probabilities = np.stack([segment.distribution for segment in shown])
    return DecodedNumber(number, raw, False, character_probabilities)


def prior_cost(number: str) -> float:
    """What speaks against ``number`` before anything is seen of it, nats: that it is of no known kind, or has a letter
    of issue that its province does not give out."""
    if not is_valid(number):
        return _INVALID_NUMBER_COST
    if number[0] not in PROVINCES or not number[1].isalpha() or not number[1].isascii():
        return 0.0
    return _authority_cost(ALPHABET.index(number[0]), ALPHABET.index(number[1]))


def calibrated_confidence(decoded: DecodedNumber, calibration: Calibration) -> int:
    """The confidence 0-100 to report: of readings at 90, nine in ten or more are right."""
    raw = min(max(decoded.raw_confidence, MIN_PROBABILITY), 1 - MIN_PROBABILITY)
    logit = calibration.slope * math.log(raw / (1 - raw)) + calibration.offset
    confidence = round(100 / (1 + math.exp(-max(-50.0, min(50.0, logit)))))
    return confidence if decoded.valid else min(confidence, MAX_INVALID_NUMBER_CONFIDENCE)


def is_plausible(decoded: DecodedNumber, score: float, least: float) -> bool:
    """Whether ``decoded``, of a detection of ``score`` (0.0-1.0), is to be reported as a plate at all.

    ``least`` is the raw confidence (0.0-1.0) that is enough for a number of a known kind where the detector is certain
    of a plate. Lettering that only looks like a plate seldom comes with both, and then has to be clear; with neither it
    is no plate.
    """
    if not decoded.valid and score < SURE_DETECTION_SCORE:
        return False
    if not decoded.valid or score < SURE_DETECTION_SCORE:
        least = max(least, CLEAR_CONFIDENCE)
    elif score < CERTAIN_DETECTION_SCORE:
        least = max(least, FAIR_CONFIDENCE)
    return decoded.raw_confidence >= least


def _unambiguous_number(segments: list[Segment], recognition: Recognition) -> DecodedNumber | None:
    """The plain reading, where it leaves nothing to weigh: every place sure, the number valid, of that colour."""
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


def _cheapest_path(segments: list[Segment], recognition: Recognition) -> ViterbiPath | None:
    presence = np.array([segment.presence for segment in segments], dtype=np.float32).clip(
        MIN_PROBABILITY, 1 - MIN_PROBABILITY
    )
    distributions = np.stack([segment.distribution for segment in segments])
    distributions[:, _LOOKALIKES] = distributions[:, _LOOKALIKES].sum(axis=1, keepdims=True)
    set_costs = -np.log(np.maximum(distributions * presence[:, np.newaxis], np.float32(MIN_PROBABILITY)))
    paths = cheapest_paths(set_costs, -np.log1p(-presence), _pattern_costs(recognition), _MAX_PATTERNS)
    # the issuing authority binds two characters together, which the search over single ones cannot know
    best = min((_correct_authority(path, set_costs) for path in paths), key=lambda path: path.cost, default=None)
    return best if best is not None and best.cost <= MAX_COST else None


def _resolve_lookalikes(distribution: NDArray[np.float32], character: int) -> NDArray[np.float32]:
    """``distribution`` with all that speaks for either twin given to ``character``, where that is one of them."""
    if character not in _LOOKALIKES:
        return distribution
    told = distribution.copy()
    told[_LOOKALIKES] = 0.0
    told[character] = distribution[_LOOKALIKES].sum()
    return told


def _pattern_costs(recognition: Recognition) -> NDArray[np.float32]:
    """What colour and rows say against each pattern: the cost of the likeliest kind that has it."""
    colors = dict(zip(COLORS, (-np.log(np.maximum(recognition.colors, _MIN_COLOR_PROBABILITY))).tolist(), strict=True))
    rows = (-np.log(np.maximum(recognition.rows, _MIN_ROWS_PROBABILITY))).tolist()
    costs = [min(_kind_cost(color, row, colors, rows) for color, row in looks) for looks in _COLORS_AND_ROWS]
    return np.array(costs, dtype=np.float32)


def _kind_cost(color: Color, row: int, colors: dict[Color, float], rows: list[float]) -> float:
    return colors[color] + rows[row - 1]


_LOOKALIKES = list(LOOKALIKES)

_COLORS_AND_ROWS = tuple(
    tuple({(color, row) for kind in KINDS if kind.pattern == pattern for color in kind.colors for row in kind.rows})
    for pattern in PATTERNS
)
"""For each pattern, the colours and row counts that its kinds come in."""


def _correct_authority(path: ViterbiPath, set_costs: NDArray[np.float32]) -> ViterbiPath:
    """Weigh the pair of province and issuing letter: exchange one or both where a listed pair is as plausible."""
    if PATTERNS[path.pattern][:2] != ("p", "a"):
        return path
    if _authority_cost(path.characters[0], path.characters[1]) == 0:
        return path
    candidates = []
    first, second = (set_costs[segment] for segment in path.segments[:2])
    settled = path.cost - float(first[path.characters[0]] + second[path.characters[1]])
    for province in np.argsort(first[:31], kind="stable")[:4].tolist():
        for letter in (_LETTER_INDICES[np.argsort(second[_LETTER_INDICES], kind="stable")[:4]]).tolist():
            cost = settled + float(first[province] + second[letter]) + _authority_cost(province, letter)
            candidates.append(ViterbiPath(path.pattern, cost, path.segments, (province, letter, *path.characters[2:])))
    return min(candidates, key=lambda candidate: candidate.cost)


_LETTER_INDICES = np.array(
    [index for index, character in enumerate(ALPHABET) if character.isascii() and character.isalpha()]
)


def _authority_cost(province: int, letter: int) -> float:
    if ALPHABET[letter] == "O":
        return _POLICE_LETTER_COST
    return 0.0 if is_known_authority(ALPHABET[province], ALPHABET[letter]) else _UNLISTED_AUTHORITY_COST


def _least_certainty(segments: list[Segment], path: ViterbiPath, character_probabilities: NDArray[np.float32]) -> float:
    """The probability of the least certain decision: a character set, or a shown segment left out."""
    used = set(path.segments)
    certainties = [
        segments[index].presence * float(told[character])
        for index, character, told in zip(path.segments, path.characters, character_probabilities, strict=True)
    ]
    certainties += [1 - segment.presence for index, segment in enumerate(segments) if index not in used]
    return min(certainties)
