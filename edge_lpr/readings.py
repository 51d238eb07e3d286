"""What the reader says of one plate in one frame."""

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

    ``confidence`` is an integer 0-100, calibrated: of readings at 90, nine in ten are right. ``rows`` is 1 or 2.
    ``quad`` and ``rect`` are in pixels of the original frame. ``detection_score`` is 0.0-1.0.
    ``character_probabilities`` is float32 of shape (len(number), len(ALPHABET)): row i holds the recognizer's
    probabilities for character i over ``plates.ALPHABET``, before the number grammar is applied; each row sums to 1.
    ``color_probabilities`` is float32 of shape (len(COLORS),) in the order of ``plates.COLORS``, summing to 1.
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
"""Reads the plates in an image, uint8 of shape (H, W, 3), BGR; the best reading comes first."""
