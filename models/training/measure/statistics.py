"""Numbers from what was seen: shares with intervals, calibration, corners, confusions. No pictures, no tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edge_lpr.evaluation.accuracy import CONFIDENT, quad_iou, wilson_interval
from edge_lpr.geometry import Quad
from models.training.measure.records import Seen

DETECTED_IOU = 0.7
NARROWEST_DETECTED = 60.0
"""Pixels of plate width in a 1280 x 720 frame from which on the detector must find it."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``trials``."""

    hits: int
    trials: int

    @property
    def percent(self) -> float:
        """0.0-100.0; NaN without trials."""
        return 100 * self.hits / self.trials if self.trials else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, percent."""
        low, high = wilson_interval(self.hits, self.trials)
        return 100 * low, 100 * high


@dataclass(frozen=True, slots=True)
class CornerErrors:
    """Distance of corners from the true ones, as percent of the plate's height; over ``plates``."""

    mean: float
    median: float
    plates: int


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Readings of like confidence: the mean of it and the share that was right, percent."""

    confidence: float
    right: float
    count: int


def share(items: Iterable[Seen], hit: Callable[[Seen], bool]) -> Share:
    """How many of ``items`` are a ``hit``."""
    hits = [hit(item) for item in items]
    return Share(sum(hits), len(hits))


def trusted(items: Iterable[Seen]) -> list[Seen]:
    """Those whose number is known."""
    return [item for item in items if item.truth.number is not None]


def were_read(items: Iterable[Seen]) -> list[Seen]:
    """Those of which some number was read and the true one is known."""
    return [item for item in trusted(items) if item.read is not None]


def by_dataset(items: Iterable[Seen]) -> dict[str, list[Seen]]:
    """Grouped by set, in the order of the names."""
    groups: dict[str, list[Seen]] = {}
    for item in sorted(items, key=lambda seen: seen.dataset):
        groups.setdefault(item.dataset, []).append(item)
    return groups


def exact(items: Iterable[Seen]) -> Share:
    """Whole numbers read right, of all whose number is known; what was not found counts as wrong."""
    return share(trusted(items), lambda seen: seen.exact)


def wrong_province(items: Iterable[Seen]) -> Share:
    """Readings whose first character is wrong, of all plates whose number is known."""
    return share(
        trusted(items), lambda seen: seen.read is not None and seen.read.number[:1] != (seen.truth.number or "")[:1]
    )


def color_right(items: Iterable[Seen]) -> Share:
    """Right colours, of the readings of plates whose colour is known."""
    colored = [item for item in were_read(items) if item.truth.color is not None]
    return share(colored, lambda seen: seen.read is not None and seen.read.color == seen.truth.color)


def rows_right(items: Iterable[Seen]) -> Share:
    """Right row counts, of all readings."""
    return share(were_read(items), lambda seen: seen.read is not None and seen.read.rows == seen.truth.rows)


def category_right(items: Iterable[Seen]) -> Share:
    """Right categories, of the readings of plates whose category and colour are known."""
    known = [item for item in were_read(items) if item.truth.category is not None and item.truth.color is not None]
    return share(known, lambda seen: seen.read is not None and seen.read.category == seen.truth.category)


def wrong_and_confident(items: Iterable[Seen]) -> Share:
    """Wrong numbers at confidence 90 and more, of all readings."""
    return share(
        were_read(items), lambda seen: seen.read is not None and not seen.exact and seen.read.confidence >= CONFIDENT
    )


def calibration(items: Iterable[Seen]) -> list[CalibrationBin]:
    """The readings in at most ten bins of rising confidence, filled as equally as may be.

    Readings of one confidence stay in one bin: to part them would sort the right from the wrong.
    """
    readings = [(item.read.confidence, item.exact) for item in were_read(items) if item.read is not None]
    if not readings:
        return []
    confidence, right = (np.array(column, float) for column in zip(*readings, strict=True))
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    places = np.searchsorted(edges, confidence, side="left")
    return [
        CalibrationBin(float(confidence[part].mean()), 100 * float(right[part].mean()), int(part.sum()))
        for part in (places == place for place in np.unique(places))
    ]


def calibration_error(items: Iterable[Seen]) -> float:
    """Expected calibration error in points (Naeini et al., 2015) over ``calibration``; NaN without readings."""
    bins = calibration(items)
    count = sum(one.count for one in bins)
    return sum(abs(one.confidence - one.right) * one.count for one in bins) / count if count else float("nan")


def wide_enough(items: Iterable[Seen]) -> list[Seen]:
    """Scene plates at least 60 pixels wide, were their photo scaled to fit a 1280 x 720 frame; unread ones too."""
    return [item for item in items if item.scene and item.frame_width >= NARROWEST_DETECTED]


def detected(items: Iterable[Seen], of: Callable[[Seen], Quad | None]) -> Share:
    """Plates of which the quad that ``of`` gives overlaps at IoU 0.7 or more."""
    return share(wide_enough(items), lambda seen: _overlaps(of(seen), seen.truth.quad))


def corner_errors(items: Iterable[Seen], of: Callable[[Seen], Quad | None]) -> CornerErrors:
    """Mean distance of the four corners that ``of`` gives from the true ones, where it gives any."""
    errors = [
        100 * corner_distance(item.truth.quad, quad) / item.truth.quad.height
        for item in wide_enough(items)
        if item.truth.quad is not None and (quad := of(item)) is not None
    ]
    if not errors:
        return CornerErrors(float("nan"), float("nan"), 0)
    return CornerErrors(float(np.mean(errors)), float(np.median(errors)), len(errors))


def reported_quad(seen: Seen) -> Quad | None:
    """The quad of the reading: what a client gets."""
    return None if seen.read is None else seen.read.quad


def detector_quad(seen: Seen) -> Quad | None:
    """The detector's own."""
    return seen.found


def corner_distance(a: Quad, b: Quad) -> float:
    """Mean distance of corresponding corners, pixels."""
    return float(np.linalg.norm(a.to_array() - b.to_array(), axis=1).mean())


def confusions(items: Iterable[Seen]) -> Counter[tuple[str, str]]:
    """(true, read) characters that differ, from readings as long as the true number."""
    found: Counter[tuple[str, str]] = Counter()
    for item in were_read(items):
        assert item.read is not None and item.truth.number is not None
        if len(item.read.number) == len(item.truth.number):
            found.update((a, b) for a, b in zip(item.truth.number, item.read.number, strict=True) if a != b)
    return found


def exact_by_width(items: Sequence[Seen], edges: Sequence[float]) -> list[Share]:
    """Exact readings of scene plates in the bands of width between ``edges``, pixels of the picture."""
    return [exact(item for item in items if item.scene and low <= item.width < high) for low, high in pairwise(edges)]


def _overlaps(quad: Quad | None, truth: Quad | None) -> bool:
    return quad is not None and truth is not None and quad_iou(quad, truth) >= DETECTED_IOU
