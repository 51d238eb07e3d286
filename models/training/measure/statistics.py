"""Statistics of the records: shares with intervals, calibration, corner errors, confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edge_lpr.evaluation.accuracy import CONFIDENT, quad_iou, wilson_interval
from edge_lpr.geometry import Quad
from models.training.measure.records import PlateRecord

DETECTED_IOU = 0.7
"""A plate is detected when a quad overlaps it at least so much."""
NARROWEST_DETECTED = 60.0
"""Plate width in a 1280 x 720 frame, pixels, from which on the detector must find the plate."""
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
    """Distance of corners from the true ones, as percent of the plate's height, over ``plates``."""

    mean: float
    median: float
    plates: int


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Readings of similar confidence: its mean, and the share that is right, percent."""

    confidence: float
    right: float
    count: int


def share(records: Iterable[PlateRecord], hit: Callable[[PlateRecord], bool]) -> Share:
    """Returns how many of ``records`` are a ``hit``."""
    hits = [hit(record) for record in records]
    return Share(sum(hits), len(hits))


def with_number(records: Iterable[PlateRecord]) -> list[PlateRecord]:
    """Returns the plates whose true number is known."""
    return [record for record in records if record.truth.number is not None]


def with_reading(records: Iterable[PlateRecord]) -> list[PlateRecord]:
    """Returns the plates whose true number is known and that have a reading."""
    return [record for record in with_number(records) if record.reading is not None]


def by_dataset(records: Iterable[PlateRecord]) -> dict[str, list[PlateRecord]]:
    """Groups ``records`` by data set, in the order of the names."""
    groups: dict[str, list[PlateRecord]] = {}
    for record in sorted(records, key=lambda one: one.dataset):
        groups.setdefault(record.dataset, []).append(record)
    return groups


def exact(records: Iterable[PlateRecord]) -> Share:
    """Returns the exact readings, of all plates whose number is known; an unread plate counts as wrong."""
    return share(with_number(records), lambda record: record.exact)


def wrong_province(records: Iterable[PlateRecord]) -> Share:
    """Returns the readings whose first character is wrong, of all plates whose number is known."""
    return share(
        with_number(records),
        lambda record: record.reading is not None and record.reading.number[:1] != (record.truth.number or "")[:1],
    )


def color_right(records: Iterable[PlateRecord]) -> Share:
    """Returns the right colours, of the readings of plates whose colour is known."""
    colored = [record for record in with_reading(records) if record.truth.color is not None]
    return share(colored, lambda one: one.reading is not None and one.reading.color == one.truth.color)


def rows_right(records: Iterable[PlateRecord]) -> Share:
    """Returns the right row counts, of all readings."""
    return share(with_reading(records), lambda one: one.reading is not None and one.reading.rows == one.truth.rows)


def category_right(records: Iterable[PlateRecord]) -> Share:
    """Returns the right categories, of the readings of plates whose category and colour are known."""
    known = [one for one in with_reading(records) if one.truth.category is not None and one.truth.color is not None]
    return share(known, lambda one: one.reading is not None and one.reading.category == one.truth.category)


def wrong_and_confident(records: Iterable[PlateRecord]) -> Share:
    """Returns the wrong numbers at confidence 90 or more, of all readings."""
    return share(
        with_reading(records),
        lambda one: one.reading is not None and not one.exact and one.reading.confidence >= CONFIDENT,
    )


def calibration(records: Iterable[PlateRecord]) -> list[CalibrationBin]:
    """Returns the readings in at most ten bins of rising confidence, filled as equally as possible.

    Readings of equal confidence stay in one bin: to divide them would separate the right from the wrong.
    """
    readings = [(one.reading.confidence, one.exact) for one in with_reading(records) if one.reading is not None]
    if not readings:
        return []
    confidence, right = (np.array(column, float) for column in zip(*readings, strict=True))
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, BINS + 1)[1:-1], method="lower"))
    places = np.searchsorted(edges, confidence, side="left")
    return [
        CalibrationBin(float(confidence[part].mean()), 100 * float(right[part].mean()), int(part.sum()))
        for part in (places == place for place in np.unique(places))
    ]


def calibration_error(records: Iterable[PlateRecord]) -> float:
    """Returns the expected calibration error in points (Naeini et al., 2015); NaN without readings."""
    bins = calibration(records)
    count = sum(one.count for one in bins)
    return sum(abs(one.confidence - one.right) * one.count for one in bins) / count if count else float("nan")


def wide_enough(records: Iterable[PlateRecord]) -> list[PlateRecord]:
    """Returns the scene plates, read or not, that are at least NARROWEST_DETECTED wide in a 1280 x 720 frame."""
    return [record for record in records if record.scene and record.frame_width >= NARROWEST_DETECTED]


def detected(records: Iterable[PlateRecord], quad_of: Callable[[PlateRecord], Quad | None]) -> Share:
    """Returns the plates whose quad, as ``quad_of`` gives it, overlaps the true one at IoU 0.7 or more."""
    return share(wide_enough(records), lambda record: _overlaps(quad_of(record), record.truth.quad))


def corner_errors(records: Iterable[PlateRecord], quad_of: Callable[[PlateRecord], Quad | None]) -> CornerErrors:
    """Returns the mean distance of the four corners from the true ones, where ``quad_of`` gives a quad."""
    errors = [
        100 * corner_distance(record.truth.quad, quad) / record.truth.quad.height
        for record in wide_enough(records)
        if record.truth.quad is not None and (quad := quad_of(record)) is not None
    ]
    if not errors:
        return CornerErrors(float("nan"), float("nan"), 0)
    return CornerErrors(float(np.mean(errors)), float(np.median(errors)), len(errors))


def reported_quad(record: PlateRecord) -> Quad | None:
    """Returns the quad of the reading, which a client gets."""
    return None if record.reading is None else record.reading.quad


def detector_quad(record: PlateRecord) -> Quad | None:
    """Returns the detector's own quad."""
    return record.detected


def corner_distance(a: Quad, b: Quad) -> float:
    """Returns the mean distance of corresponding corners, pixels."""
    return float(np.linalg.norm(a.to_array() - b.to_array(), axis=1).mean())


def confusions(records: Iterable[PlateRecord]) -> Counter[tuple[str, str]]:
    """Counts (true, read) characters that differ, in readings as long as the true number."""
    found: Counter[tuple[str, str]] = Counter()
    for record in with_reading(records):
        assert record.reading is not None and record.truth.number is not None
        true, read = record.truth.number, record.reading.number
        if len(read) == len(true):
            found.update((a, b) for a, b in zip(true, read, strict=True) if a != b)
    return found


def exact_by_width(records: Sequence[PlateRecord], edges: Sequence[float]) -> list[Share]:
    """Returns the exact readings of scene plates in the bands of width between ``edges``, pixels of the picture."""
    return [exact(one for one in records if one.scene and low <= one.width < high) for low, high in pairwise(edges)]


def _overlaps(quad: Quad | None, truth: Quad | None) -> bool:
    return quad is not None and truth is not None and quad_iou(quad, truth) >= DETECTED_IOU
