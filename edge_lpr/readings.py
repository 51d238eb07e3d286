"""The reader's result for one plate in one frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad, Rect
from edge_lpr.plates import Category, Color


@dataclass(frozen=True, slots=True, eq=False)
class PlateReading:
    """One plate in one frame.

    Attributes:
        number: The plate number, without separators.
        confidence: Integer 0-100, calibrated: of the readings at 90, nine in ten are right.
        color: Colour of the plate.
        category: Category of the plate, as the API reports it.
        rows: 1 or 2.
        quad: Corners of the plate, in pixels of the original frame.
        rect: Upright bounding box of ``quad``, cut to the frame.
        detection_score: Score of the detector, 0.0-1.0.
        character_probabilities: float32 of shape (len(number), len(ALPHABET)). Row i holds the recognizer's
            probabilities for character i over ``plates.ALPHABET``, before the number grammar is applied. Each row
            sums to 1.
        color_probabilities: float32 of shape (len(COLORS),) in the order of ``plates.COLORS``; sums to 1.
    """

    number: str
    confidence: int
    color: Color
    category: Category
    rows: int
    quad: Quad
    rect: Rect
    detection_score: float
    character_probabilities: NDArray[np.float32]
    color_probabilities: NDArray[np.float32]


ReadPlates = Callable[[NDArray[np.uint8]], list[PlateReading]]
"""Reads the plates in an image, uint8 of shape (H, W, 3), BGR. The best reading comes first."""
