"""The two parts of a plate that a second opinion looks at, each filling the recognizer's picture.

Of two rows they are the rows, of one row its two ends, parted where the first look saw a gap between characters. Either
way a character stands there twice as large: the upper row's province is the smallest print of all, and across a
picture of 160 columns a number in one row leaves twenty to a character.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UPPER_BOTTOM, LOWER_TOP = 0.46, 0.36
"""Where the rows are cut out: the upper row ends at a third of the height after GA 36, on most painted numbers above
0.46; the lower one begins at 0.38 or below."""
UPPER_SIDES = (0.13, 0.87)
"""No upper row reaches further to the sides."""
NARROWEST_UPPER = 0.4
MIDDLE = 0.46
"""Where one row is parted where no gap is known: between the third and fourth character of a car's plate."""

_GAPS = (0.3, 0.66)
_BESIDE = 0.03


class Part(NamedTuple):
    """A part of a plate's straightened picture: its edges as shares (0.0-1.0) of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def corners(self) -> NDArray[np.float32]:
        """Its corners from the upper left one clockwise: float32 (4, 2), shares."""
        left, top, right, bottom = self
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def row_parts(upper: Sequence[float]) -> tuple[Part, Part]:
    """The upper and the lower row; ``upper`` are the middles of the upper row's characters, shares of the width, left
    to right."""
    left, right = _upper_sides(upper)
    return Part(left, 0.0, right, UPPER_BOTTOM), Part(0.0, LOWER_TOP, 1.0, 1.0)


def end_parts(middles: Sequence[float]) -> tuple[Part, Part]:
    """The left and the right end of one row; ``middles`` are those of its characters, shares of the width, left to
    right."""
    gaps = [(a + b) / 2 for a, b in pairwise(middles)]
    at = min(gaps, key=lambda gap: abs(gap - MIDDLE), default=MIDDLE)
    at = at if _GAPS[0] <= at <= _GAPS[1] else MIDDLE
    return Part(0.0, 0.0, at, 1.0), Part(at, 0.0, 1.0, 1.0)


def _upper_sides(middles: Sequence[float]) -> tuple[float, float]:
    if not 2 <= len(middles) <= 3:
        return UPPER_SIDES
    half = max(b - a for a, b in pairwise(middles)) / 2 + _BESIDE
    left, right = middles[0] - half, middles[-1] + half
    short = max(0.0, NARROWEST_UPPER - (right - left)) / 2
    return max(left - short, UPPER_SIDES[0]), min(right + short, UPPER_SIDES[1])
