"""Records of read plates, as the measurement of the models makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge_lpr.geometry import Quad
from models.training.measure.composed import ComposedRecord
from models.training.measure.costs import Costs
from models.training.measure.measurement import FloatComparison, Measurement
from models.training.measure.records import Labels, NegativeRecords, PlateRecord, Reading

QUAD = Quad((100, 100), (200, 100), (200, 132), (100, 132))
"""A plate 100 pixels wide and 32 high."""
CHEAP = Costs(200_000_000, 70_000_000, 800_000, 5.0, 4.5, 10, "a runtime")
"""Costs within every limit."""


def record(
    true: str | None = "京A12345",
    read: str | None = "京A12345",
    confidence: int = 95,
    dataset: str = "scenes/toll",
    color: str = "蓝",
    read_color: str = "蓝",
    rows: int = 1,
    quad: Quad = QUAD,
    detected: Quad | None = QUAD,
    rendered: bool = False,
) -> PlateRecord:
    """Returns the record of one plate, by default read right; ``rows`` and ``quad`` are the reading's."""
    labels = Labels(true, color, 1, QUAD, "标准实体车牌" if rendered else None, "day" if rendered else None)
    reading = None if read is None else Reading(read, confidence, read_color, rows, "标准实体车牌", quad)
    return PlateRecord(dataset, rendered, Path("photo.jpg"), labels, reading, detected, QUAD.width, 2 * QUAD.width)


def measurement(
    real: list[PlateRecord],
    rendered: list[PlateRecord],
    float_comparison: FloatComparison | None = None,
    negatives: NegativeRecords | None = None,
    composed: list[ComposedRecord] | None = None,
) -> Measurement:
    """Returns a measurement with these records; by default 1,000 pictures without a plate have no reading."""
    negatives = negatives or NegativeRecords({"windows": 1000}, ())
    return Measurement(real, rendered, negatives, composed or [], CHEAP, float_comparison, None)


def moved(quad: Quad, dx: float, dy: float) -> Quad:
    """Returns ``quad`` moved by ``dx`` and ``dy`` pixels."""
    return Quad.from_array(quad.to_array() + np.array([dx, dy]))
