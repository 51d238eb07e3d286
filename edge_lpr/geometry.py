"""Quads and rectangles: the position of a plate in a frame.

Coordinates are pixels of the original frame. x points right, y points down, and the origin is the top-left corner of
the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]

UNIT_CORNERS: NDArray[np.float32] = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], dtype=np.float32)
"""Corners of the unit square, in the order of ``Quad``: float32 of shape (4, 2)."""


@dataclass(frozen=True, slots=True)
class Rect:
    """An axis-aligned rectangle in whole pixels. ``width`` and ``height`` are at least 0."""

    x: int
    y: int
    width: int
    height: int

    @property
    def area(self) -> int:
        """Area in square pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Quad:
    """Four corners of a plate, named as a person reads the plate.

    A corner may lie a little outside the frame when the frame cuts the plate.
    """

    top_left: Point
    top_right: Point
    bottom_right: Point
    bottom_left: Point

    @classmethod
    def from_array(cls, corners: NDArray[np.floating]) -> Quad:
        """Returns the quad with ``corners``, an array of shape (4, 2) in the order of the fields.

        Raises ValueError for another shape.
        """
        if corners.shape != (4, 2):
            raise ValueError(f"a quad needs an array of shape (4, 2), not {corners.shape}")
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.astype(float).tolist()
        return cls((ax, ay), (bx, by), (cx, cy), (dx, dy))

    @classmethod
    def of_rect(cls, rect: Rect) -> Quad:
        """Returns the corners of ``rect``."""
        left, top, right, bottom = map(float, (rect.x, rect.y, rect.x + rect.width, rect.y + rect.height))
        return cls((left, top), (right, top), (right, bottom), (left, bottom))

    def to_array(self) -> NDArray[np.float32]:
        """Returns the corners as float32 of shape (4, 2), in the order of the fields."""
        return np.array([self.top_left, self.top_right, self.bottom_right, self.bottom_left], dtype=np.float32)

    @property
    def width(self) -> float:
        """Mean length of the upper and lower edge, in pixels."""
        return (_distance(self.top_left, self.top_right) + _distance(self.bottom_left, self.bottom_right)) / 2

    @property
    def height(self) -> float:
        """Mean length of the left and right edge, in pixels."""
        return (_distance(self.top_left, self.bottom_left) + _distance(self.top_right, self.bottom_right)) / 2

    @property
    def center(self) -> Point:
        """Mean of the four corners."""
        x, y = self.to_array().mean(axis=0).tolist()
        return x, y

    def bounding_rect(self, frame_width: int, frame_height: int) -> Rect:
        """Returns the smallest rectangle around the quad, cut to a frame of the given size in pixels."""
        corners = self.to_array()
        limit = np.array([frame_width, frame_height])
        low = np.clip(np.floor(corners.min(axis=0)), 0, limit).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0)), 0, limit).astype(int)
        return Rect(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def intersection_area(a: Rect, b: Rect) -> int:
    """Returns the area that two rectangles share, in square pixels."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(0, width) * max(0, height)


def rect_iou(a: Rect, b: Rect) -> float:
    """Returns the intersection over union of two rectangles, 0.0 to 1.0."""
    intersection = intersection_area(a, b)
    return intersection / (a.area + b.area - intersection) if intersection else 0.0


def _distance(a: Point, b: Point) -> float:
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))
