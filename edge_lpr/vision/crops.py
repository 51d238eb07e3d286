"""The two crops of a plate for test-time augmentation. Each crop fills the recognizer's input, so it shows more detail.

A plate with two rows is cropped to its rows. The upper row has the smallest print of all plates, the province; in its
crop it is twice as high and up to twice as wide. The lower row is half as high again. A plate with one row is cropped
to its left and right half, split at a gap between characters that the first pass found. Each half is twice as wide. In
the whole plate, a character has only about 20 of the input's 160 columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UPPER_BOTTOM, LOWER_TOP = 0.46, 0.36
"""Lower edge of the upper row's crop and upper edge of the lower row's crop, as fractions of the plate's height. Upper
rows end at 0.35 to 0.44 by GA 36, and before 0.46 on most painted numbers. Lower rows begin at 0.38 or below."""
UPPER_SIDES = (0.13, 0.87)
"""Widest extent of an upper row, as fractions of the plate's width."""
MIDDLE = 0.46
"""Default split of one row, between the third and fourth character of a car's plate."""

_MIN_UPPER_WIDTH = 0.4  # of the plate's width; a narrower crop would stretch the characters too much
_UPPER_PADDING = 0.03  # at both ends, in addition to half the distance between characters
_MIN_UPPER_DISTANCE = 0.1  # between two characters of an upper row
_MAX_UPPER_OFFSET = 0.12  # of the middle of an upper row from the middle of the plate
_SPLIT_RANGE = (0.3, 0.66)  # a split outside would leave only one or two characters in a half
_REGULAR_DISTANCE = (0.5, 1.5)  # of the median distance; includes the dot. A missed character doubles the distance.


class PlateCrop(NamedTuple):
    """A crop of a straightened plate: its edges as fractions (0.0-1.0) of the picture's width and height."""

    left: float
    top: float
    right: float
    bottom: float

    def corners(self) -> NDArray[np.float32]:
        """Returns the corners clockwise from the top left as fractions: float32 (4, 2)."""
        left, top, right, bottom = self
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float32)


def row_crops(upper: Sequence[float]) -> tuple[PlateCrop, PlateCrop]:
    """Returns the crops of the upper and the lower row.

    ``upper`` are the centres of the characters found in the upper row, as fractions of the width, from left to right.
    """
    left, right = _upper_sides(upper)
    return PlateCrop(left, 0.0, right, UPPER_BOTTOM), PlateCrop(0.0, LOWER_TOP, 1.0, 1.0)


def half_crops(centers: Sequence[float]) -> tuple[PlateCrop, PlateCrop]:
    """Returns the crops of the left and the right half of one row.

    ``centers`` are the centres of the characters found, as fractions of the width, from left to right.
    """
    distances = [b - a for a, b in pairwise(centers)]
    usual = median(distances) if distances else 0.0
    low, high = _REGULAR_DISTANCE
    gaps = [(a + b) / 2 for a, b in pairwise(centers) if low * usual <= b - a <= high * usual]
    in_range = (gap for gap in gaps if _SPLIT_RANGE[0] <= gap <= _SPLIT_RANGE[1])
    split = min(in_range, key=lambda gap: abs(gap - MIDDLE), default=MIDDLE)
    return PlateCrop(0.0, 0.0, split, 1.0), PlateCrop(split, 0.0, 1.0, 1.0)


def _upper_sides(centers: Sequence[float]) -> tuple[float, float]:
    """Returns the left and right edge around the upper row's characters, or ``UPPER_SIDES`` if some may be missing."""
    if not 2 <= len(centers) <= 3 or abs(centers[0] + centers[-1] - 1) / 2 > _MAX_UPPER_OFFSET:
        return UPPER_SIDES
    distances = [b - a for a, b in pairwise(centers)]
    if min(distances) < _MIN_UPPER_DISTANCE:
        return UPPER_SIDES
    padding = max(distances) / 2 + _UPPER_PADDING
    left, right = centers[0] - padding, centers[-1] + padding
    missing = max(0.0, _MIN_UPPER_WIDTH - (right - left)) / 2
    return max(left - missing, UPPER_SIDES[0]), min(right + missing, UPPER_SIDES[1])
