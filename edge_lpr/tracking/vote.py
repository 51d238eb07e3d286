"""The vote: what all readings of one plate say together.

Each frame's per-character probabilities are summed as logarithms, position by position, for each character count.
Four things keep the sum honest:

* **Trust.** A frame's evidence is mixed with a little of "this frame says nothing", so that no single frame can forbid
  a character, and tempered so that its least sure character is as sure as the reading's calibrated confidence says.
* **Quality.** Frames are weighted by plate width, detection score and confidence.
* **Correlation.** A hundred frames of a car that stands still are hardly more evidence than one: the same glare, the
  same mud. Frames from one *view* (the plate hardly moved) are averaged as probabilities, and count as little more
  than one; different views are summed as logarithms, but count as fewer than they are. With n frames of correlation r
  the effective count is n / (1 + (n - 1) r) (Kish's design effect), which never passes 1 / r.
* **Modesty.** Lettering that is no plate is misread alike in every view, and the readings' confidence knows of that:
  the vote's log-odds pass those of the best reading by at most ``MAX_GAIN``, and by less the more frames disagree.

Readings of 7 and of 8 characters vote apart. Rows do not divide the vote, since a wrong row count does not change
the text; they have a vote of their own, as the colour has.
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
"""Between frames of one view."""

VIEW_CORRELATION = 0.3
"""Between views: the mud on a plate and the recognizer's own habits travel along."""

UNINFORMATIVE_SHARE = 0.05
"""The share of frames whose evidence is taken to mean nothing (glare, motion)."""

FULL_QUALITY_WIDTH = 120.0
"""Pixels; a wider plate reads no better."""

MAX_GAIN = 1.5
"""How far the vote's log-odds may pass the best reading's when all frames agree: odds 4.5 times as good. With half of
the frames against it nothing is gained."""

MAX_NUMBERS = 64
"""Different numbers whose weight is remembered; a plate that stands for days in the rain is misread in many ways."""

LENGTH_LOGIT = 4.0
"""How far one frame's character count is trusted, as log-odds: 98%."""

_EXPONENTS = np.linspace(0.05, 1.5, 30)

LogProbabilities = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class VoteResult:
    """The vote's outcome: ``number`` is valid, ``confidence`` an integer 0-100, ``rows`` 1 or 2."""

    number: str
    confidence: int
    color: Color
    category: Category
    rows: int


class Vote:
    """Sums the readings of one plate. Memory does not grow with the number of frames."""

    def __init__(self) -> None:
        self._tallies: dict[int, _Tally] = {}
        self._weights: dict[str, float] = {}
        self._weight = 0.0
        self._last: PlateReading | None = None

    def add(self, reading: PlateReading, *, new_view: bool) -> None:
        """Take one frame's reading. ``new_view``: the plate has moved since the frames before it."""
        if new_view:
            for tally in self._tallies.values():
                tally.close_view()
        # a photo held for five frames, or a camera that repeats a frame, is one witness
        if self._last is not None and np.array_equal(self._last.evidence, reading.evidence):
            return
        self._last = reading
        if not reading.number:
            return
        self._tallies.setdefault(len(reading.number), _Tally(len(reading.number))).add(reading)
        if reading.number not in self._weights and len(self._weights) >= MAX_NUMBERS:
            del self._weights[min(self._weights, key=self._weights.__getitem__)]
        self._weights[reading.number] = self._weights.get(reading.number, 0.0) + reading_quality(reading)
        self._weight += reading_quality(reading)

    def result(self) -> VoteResult | None:
        """The likeliest valid number; None when the readings allow none."""
        if not self._tallies:
            return None
        masses = {length: tally.mass for length, tally in self._tallies.items()}
        tally = self._tallies[max(masses, key=masses.__getitem__)]
        logits = tally.logits()
        number = best_valid_number(logits)
        if number is None:
            return None
        colors = tally.colors / tally.colors.sum()
        color = reconcile_color(number, colors)
        return VoteResult(
            number=number,
            confidence=self._confidence(tally, logits, number, tally.mass / sum(masses.values())),
            color=color,
            category=category_of(number, color),
            rows=reconcile_rows(number, color, tally.rows),
        )

    def _confidence(self, tally: _Tally, logits: LogProbabilities, number: str, share: float) -> int:
        """``share`` is the part of all readings that have this character count, 0.0 to 1.0."""
        alone = len(self._tallies) == 1
        if alone and tally.count == 1 and self._last is not None and self._last.number == number:
            return self._last.confidence
        sure = certainty(logits, number)
        if not alone:
            sure = min(sure, _probability((2 * share - 1) * LENGTH_LOGIT * tally.effective_count))
        best = min(max(tally.best / 100, 0.005), 0.995)
        agreement = self._weights.get(number, 0.0) / self._weight
        sure = min(sure, _probability(math.log(best / (1 - best)) + MAX_GAIN * (2 * agreement - 1)))
        return min(int(100 * sure), 99)


@dataclass(slots=True)
class _View:
    """The frames in which the plate hardly moved. ``total`` sums probabilities, weighted by quality."""

    total: NDArray[np.float64]
    weight: float = 0.0
    squares: float = 0.0
    quality: float = 0.0

    def add(self, evidence: LogProbabilities, quality: float) -> None:
        self.total += quality * np.exp(evidence)
        self.weight += quality
        self.squares += quality * quality
        self.quality = max(self.quality, quality)

    @property
    def mass(self) -> float:
        """Quality times effective count."""
        if not self.weight:
            return 0.0
        return self.quality * _effective_count(self.weight * self.weight / self.squares, STILL_CORRELATION)

    @property
    def evidence(self) -> LogProbabilities:
        """The logarithm of the view's mean probabilities, times its mass."""
        return self.mass * np.log(self.total / self.weight) if self.weight else self.total


@dataclass(slots=True)
class _Tally:
    """The votes of all readings with ``length`` characters; ``best`` is the highest confidence among them."""

    length: int
    count: int = 0
    best: int = 0
    colors: NDArray[np.float64] = field(default_factory=lambda: np.zeros(len(COLORS)))
    rows: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    _total: LogProbabilities = field(init=False)
    _mass: float = 0.0
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
        self._total += self._view.evidence
        self._mass += self._view.mass
        self._quality = max(self._quality, self._view.quality)
        self._view = _View(np.zeros_like(self._total))

    @property
    def mass(self) -> float:
        """Quality times effective count, summed over the views."""
        return self._mass + self._view.mass

    @property
    def effective_count(self) -> float:
        """How many independent frames of the best quality all frames are worth; 1.0 to 1 / VIEW_CORRELATION."""
        return _effective_count(self.mass / max(self._quality, self._view.quality), VIEW_CORRELATION)

    def logits(self) -> LogProbabilities:
        """Summed log-probabilities, shape (length, len(ALPHABET))."""
        return (self._total + self._view.evidence) * (self.effective_count / self.mass)


def reading_quality(reading: PlateReading) -> float:
    """The weight of a reading, above 0 up to 1."""
    width = min(reading.quad.width / FULL_QUALITY_WIDTH, 1.0)
    return max(width * reading.detection_score * reading.confidence / 100, 0.01)


def calibrated_log_probabilities(reading: PlateReading) -> LogProbabilities:
    """The log-probabilities of a reading's characters, as sure as its calibrated confidence says.

    float64 of shape (len(number), len(ALPHABET)). Raises ValueError when the reading's evidence has another shape.
    """
    if reading.evidence.shape != (len(reading.number), len(ALPHABET)):
        raise ValueError(f"evidence of {reading.number} has the wrong shape: {reading.evidence.shape}")
    logs: LogProbabilities = np.log(
        (1 - UNINFORMATIVE_SHARE) * reading.evidence.astype(np.float64) + UNINFORMATIVE_SHARE / len(ALPHABET)
    )
    chosen = np.array([ALPHABET.index(character) for character in reading.number])
    weakest = int(np.argmin(logs[np.arange(len(chosen)), chosen]))
    if int(np.argmax(logs[weakest])) != chosen[weakest]:
        return logs  # the grammar overruled this character: its evidence is unsure as it stands
    scaled = np.exp(_EXPONENTS[:, None] * (logs[weakest] - logs[weakest].max()))
    sureness = scaled[:, chosen[weakest]] / scaled.sum(axis=1)  # rises with the exponent
    exponent = float(np.interp(reading.confidence / 100, sureness, _EXPONENTS))
    powered: LogProbabilities = exponent * logs
    powered -= np.log(np.exp(powered).sum(axis=1, keepdims=True))
    return powered


def _probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _effective_count(count: float, correlation: float) -> float:
    return count / (1 + (count - 1) * correlation)
