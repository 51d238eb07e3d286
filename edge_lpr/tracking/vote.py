"""The vote: combines all readings of one plate into one number with a confidence.

The log-probabilities of each frame's characters are summed for each position. Readings with different character counts
are summed separately. Four rules keep the sum realistic:

* **Uninformative frames.** Each frame's probabilities are mixed with a uniform distribution, so that no single frame
  can exclude a character. They are then scaled so that the least certain character has the probability that the
  reading's calibrated confidence states.
* **Quality.** Frames are weighted by plate width, detection score and confidence.
* **Correlation.** A hundred frames of a car that stands still hold little more information than one frame: glare and
  dirt are the same. The frames of one *view* (the plate hardly moved) are averaged as probabilities and count as
  little more than one frame. Different views are summed as logarithms, but count as fewer views than there are. For n
  frames with correlation r the effective count is n / (1 + (n - 1) r) (Kish's design effect); its limit is 1 / r.
* **Limited gain.** Lettering that is no plate is misread in the same way in every view, and only the confidence of the
  readings shows it. The log-odds of the vote exceed those of the best reading by at most ``MAX_GAIN``, and by less
  the more frames disagree.

The row count does not divide the vote, since a wrong row count does not change the text. Rows and colour are voted on
separately.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET, COLORS, Category, Color, category_of, reconcile_color, reconcile_rows
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.text_candidates import best_valid_number, certainty

STILL_CORRELATION = 0.85
"""Correlation of the frames of one view."""

VIEW_CORRELATION = 0.3
"""Correlation of different views: they share the dirt on the plate and the systematic errors of the recognizer."""

UNINFORMATIVE_SHARE = 0.05
"""Assumed share of frames that hold no information about the text, because of glare or motion blur."""

FULL_QUALITY_WIDTH = 120.0
"""Plate width in pixels above which a wider plate is not read better."""

MAX_GAIN = 1.5
"""Largest gain of the vote's log-odds over the best reading, if all frames agree: odds 4.5 times as good.

If half of the frames disagree, the gain is 0.
"""

MAX_NUMBERS = 64
"""Largest number of different readings whose weight is kept. A plate visible for days is misread in many ways."""

LENGTH_LOGIT = 4.0
"""Log-odds that one frame's character count is right: 98%."""

_EXPONENTS = np.linspace(0.05, 1.5, 30)

LogProbabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VoteResult:
    """Result of the vote. ``number`` is valid, ``confidence`` is an integer 0-100, ``rows`` is 1 or 2."""

    number: str
    confidence: int
    color: Color
    category: Category
    rows: int


class Vote:
    """Sums the readings of one plate. The memory does not grow with the number of frames."""

    def __init__(self) -> None:
        self._tallies: dict[int, _Tally] = {}
        self._number_weights: dict[str, float] = {}
        self._total_weight = 0.0
        self._last: PlateReading | None = None

    def add_reading(self, reading: PlateReading, *, new_view: bool) -> None:
        """Adds the reading of one frame. ``new_view``: the plate has moved since the previous view.

        Raises ValueError if ``reading.character_probabilities`` has the wrong shape.
        """
        if new_view:
            for tally in self._tallies.values():
                tally.close_view()
        # Equal probabilities mean the same picture, from a photo that is held or a camera that repeats a frame.
        # It counts once.
        last = self._last
        if last is not None and np.array_equal(last.character_probabilities, reading.character_probabilities):
            return
        self._last = reading
        if not reading.number:
            return
        self._tallies.setdefault(len(reading.number), _Tally(len(reading.number))).add(reading)
        self._add_weight(reading.number, reading_quality(reading))

    def result(self) -> VoteResult | None:
        """Returns the most likely valid number; None if the readings allow none."""
        if not self._tallies:
            return None
        weights = {length: tally.weight for length, tally in self._tallies.items()}
        tally = self._tallies[max(weights, key=weights.__getitem__)]
        logits = tally.logits()
        number = best_valid_number(logits)
        if number is None:
            return None
        colors = tally.colors / tally.colors.sum()
        color = reconcile_color(number, colors)
        return VoteResult(
            number=number,
            confidence=self._confidence(tally, logits, number, tally.weight / sum(weights.values())),
            color=color,
            category=category_of(number, color),
            rows=reconcile_rows(number, color, tally.rows),
        )

    def _add_weight(self, number: str, quality: float) -> None:
        if number not in self._number_weights and len(self._number_weights) >= MAX_NUMBERS:
            del self._number_weights[min(self._number_weights, key=self._number_weights.__getitem__)]
        self._number_weights[number] = self._number_weights.get(number, 0.0) + quality
        self._total_weight += quality

    def _confidence(self, tally: _Tally, logits: LogProbabilities, number: str, share: float) -> int:
        """Returns the confidence, 0-99, or that of a single reading.

        ``share`` is the share of all readings that have this character count, 0.0 to 1.0.
        """
        is_only_length = len(self._tallies) == 1
        if is_only_length and tally.count == 1 and self._last is not None and self._last.number == number:
            return self._last.confidence
        probability = certainty(logits, number)
        if not is_only_length:
            probability = min(probability, _probability((2 * share - 1) * LENGTH_LOGIT * tally.effective_count))
        best = min(max(tally.best / 100, 0.005), 0.995)
        agreement = self._number_weights.get(number, 0.0) / self._total_weight
        limit = _probability(math.log(best / (1 - best)) + MAX_GAIN * (2 * agreement - 1))
        return min(int(100 * min(probability, limit)), 99)


@dataclass(slots=True)
class _View:
    """The frames of one view. ``total`` sums their probabilities, weighted by quality."""

    total: NDArray[np.float64]
    sum_of_weights: float = 0.0
    sum_of_squares: float = 0.0
    quality: float = 0.0

    def add(self, log_probabilities: LogProbabilities, quality: float) -> None:
        self.total += quality * np.exp(log_probabilities)
        self.sum_of_weights += quality
        self.sum_of_squares += quality * quality
        self.quality = max(self.quality, quality)

    @property
    def weight(self) -> float:
        """Best quality times effective count."""
        if not self.sum_of_weights:
            return 0.0
        count = self.sum_of_weights * self.sum_of_weights / self.sum_of_squares
        return self.quality * _effective_count(count, STILL_CORRELATION)

    @property
    def log_probabilities(self) -> LogProbabilities:
        """Logarithm of the mean probabilities, multiplied by ``weight``."""
        return self.weight * np.log(self.total / self.sum_of_weights) if self.sum_of_weights else self.total


@dataclass(slots=True)
class _Tally:
    """Sums of all readings with ``length`` characters. ``best`` is the highest confidence (0-100) among them."""

    length: int
    count: int = 0
    best: int = 0
    colors: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(COLORS)))
    rows: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    _total: LogProbabilities = field(init=False)
    _weight: float = 0.0
    _quality: float = 0.0
    _view: _View = field(init=False)

    def __post_init__(self) -> None:
        self._total = np.zeros((self.length, len(ALPHABET)))
        self._view = _View(np.zeros_like(self._total))

    def add(self, reading: PlateReading) -> None:
        quality = reading_quality(reading)
        self.count += 1
        self.best = max(self.best, reading.confidence)
        self.colors += quality * reading.color_probabilities
        self.rows[reading.rows - 1] += quality
        self._view.add(calibrated_log_probabilities(reading), quality)

    def close_view(self) -> None:
        self._total += self._view.log_probabilities
        self._weight += self._view.weight
        self._quality = max(self._quality, self._view.quality)
        self._view = _View(np.zeros_like(self._total))

    @property
    def weight(self) -> float:
        """Best quality times effective count, summed over the views."""
        return self._weight + self._view.weight

    @property
    def effective_count(self) -> float:
        """Number of independent frames of the best quality that equals all frames; 1.0 to 1 / VIEW_CORRELATION."""
        return _effective_count(self.weight / max(self._quality, self._view.quality), VIEW_CORRELATION)

    def logits(self) -> LogProbabilities:
        """Returns the summed log-probabilities, float64 of shape (length, len(ALPHABET))."""
        return (self._total + self._view.log_probabilities) * (self.effective_count / self.weight)


def reading_quality(reading: PlateReading) -> float:
    """Returns the weight of a reading, 0.01 to 1.0."""
    width = min(reading.quad.width / FULL_QUALITY_WIDTH, 1.0)
    return max(width * reading.detection_score * reading.confidence / 100, 0.01)


def calibrated_log_probabilities(reading: PlateReading) -> LogProbabilities:
    """Returns the log-probabilities of a reading's characters, scaled to its calibrated confidence.

    The result is float64 of shape (len(number), len(ALPHABET)). Raises ValueError if the reading's probabilities have
    another shape.
    """
    probabilities = reading.character_probabilities
    if probabilities.shape != (len(reading.number), len(ALPHABET)):
        raise ValueError(f"character probabilities of {reading.number} have the wrong shape: {probabilities.shape}")
    uniform = UNINFORMATIVE_SHARE / len(ALPHABET)
    logs: LogProbabilities = np.log((1 - UNINFORMATIVE_SHARE) * probabilities.astype(np.float64) + uniform)
    chosen = np.array([ALPHABET.index(character) for character in reading.number])
    weakest = int(np.argmin(logs[np.arange(len(chosen)), chosen]))
    if int(np.argmax(logs[weakest])) != chosen[weakest]:
        return logs  # The number grammar replaced this character, so its probabilities are already uncertain.
    scaled = np.exp(_EXPONENTS[:, None] * (logs[weakest] - logs[weakest].max()))
    certainties = scaled[:, chosen[weakest]] / scaled.sum(axis=1)  # They rise with the exponent.
    exponent = float(np.interp(reading.confidence / 100, certainties, _EXPONENTS))
    powered: LogProbabilities = exponent * logs
    powered -= np.log(np.exp(powered).sum(axis=1, keepdims=True))
    return powered


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _effective_count(count: float, correlation: float) -> float:
    return count / (1 + (count - 1) * correlation)
