"""The two parts of a plate that a second look sees, each filling the recognizer's picture.

Of two rows they are the rows: the upper one, whose province is the smallest print of all, stands there twice as high
and up to twice as wide, the lower one half as high again. Of one row they are its ends, parted where the first look saw
a gap between characters: twice as wide, where a picture of 160 columns left twenty to a character.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UPPER_BOTTOM, LOWER_TOP = 0.46, 0.36
"""Where the rows are cut out, shares of the height. Upper rows end at 0.35 to 0.44 after GA 36, those of most painted
numbers before 0.46; lower rows begin at 0.38 or further down."""
UPPER_SIDES = (0.13, 0.87)
"""No upper row reaches further to the sides."""
MIDDLE = 0.46
"""Where one row is parted where no gap is known: between the third and fourth character of a car's plate."""

_NARROWEST_UPPER = 0.4  # of the width: characters are stretched enough by then
_BESIDE = 0.03  # left of the first and right of the last character, beyond half of what lies between two
_CLOSEST, _OFF_CENTRE = 0.1, 0.12  # nearer to each other, or further to one side, stand no upper row's characters
_GAPS = (0.3, 0.66)  # further out a part would hold one character, or two
_REGULAR = (0.5, 1.5)  # of the usual distance of two characters, dots included; where one was missed it is two


class PlateCrop(NamedTuple):
    """A part of a plate's straightened picture: its edges as shares (0.0-1.0) of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def corners(self) -> NDArray[np.float32]:
        """Its corners from the upper left one clockwise: float32 (4, 2), shares."""
        left, top, right, bottom = self
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def row_crops(upper: Sequence[float]) -> tuple[PlateCrop, PlateCrop]:
    """The upper and the lower row; ``upper`` are the middles of the upper row's characters, shares of the width, left
    to right, as far as they were seen."""
    left, right = _upper_sides(upper)
    return PlateCrop(left, 0.0, right, UPPER_BOTTOM), PlateCrop(0.0, LOWER_TOP, 1.0, 1.0)


def half_crops(middles: Sequence[float]) -> tuple[PlateCrop, PlateCrop]:
    """The left and the right end of one row; ``middles`` are those of its characters, shares of the width, left to
    right, as far as they were seen."""
    apart = [b - a for a, b in pairwise(middles)]
    usual = median(apart) if apart else 0.0
    gaps = [(a + b) / 2 for a, b in pairwise(middles) if _REGULAR[0] * usual <= b - a <= _REGULAR[1] * usual]
    at = min((gap for gap in gaps if _GAPS[0] <= gap <= _GAPS[1]), key=lambda gap: abs(gap - MIDDLE), default=MIDDLE)
    return PlateCrop(0.0, 0.0, at, 1.0), PlateCrop(at, 0.0, 1.0, 1.0)


def _upper_sides(middles: Sequence[float]) -> tuple[float, float]:
    """Around the characters, where it is plausible that these are all, and where they stand; else all there is room
    for."""
    if not 2 <= len(middles) <= 3 or abs(middles[0] + middles[-1] - 1) / 2 > _OFF_CENTRE:
        return UPPER_SIDES
    apart = [b - a for a, b in pairwise(middles)]
    if min(apart) < _CLOSEST:
        return UPPER_SIDES
    half = max(apart) / 2 + _BESIDE
    left, right = middles[0] - half, middles[-1] + half
    short = max(0.0, _NARROWEST_UPPER - (right - left)) / 2
    return max(left - short, UPPER_SIDES[0]), min(right + short, UPPER_SIDES[1])
