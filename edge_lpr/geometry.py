"""Quads and rectangles: where a plate lies in a frame.

Coordinates are pixels of the original frame, x to the right and y down, the origin at the frame's top-left corner.
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
    """An axis-aligned rectangle in whole pixels; ``width`` and ``height`` are at least 0."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Quad:
    """Four corners of a plate as read by a person: top-left, top-right, bottom-right, bottom-left.

    A corner may lie a little outside the frame when the frame cuts the plate.
    """

    top_left: Point
    top_right: Point
    bottom_right: Point
    bottom_left: Point

    @classmethod
    def from_array(cls, corners: NDArray[np.floating]) -> Quad:
        """Build from an array of shape (4, 2) in the order of the fields."""
        if corners.shape != (4, 2):
            raise ValueError(f"a quad needs an array of shape (4, 2), not {corners.shape}")
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = corners.astype(float).tolist()
        return cls((ax, ay), (bx, by), (cx, cy), (dx, dy))

    def to_array(self) -> NDArray[np.float32]:
        """The corners as float32 of shape (4, 2), in the order of the fields."""
        return np.array([self.top_left, self.top_right, self.bottom_right, self.bottom_left], dtype=np.float32)

    @property
    def width(self) -> float:
        """Mean length of the upper and lower edge, pixels."""
        return (_distance(self.top_left, self.top_right) + _distance(self.bottom_left, self.bottom_right)) / 2

    @property
    def height(self) -> float:
        """Mean length of the left and right edge, pixels."""
        return (_distance(self.top_left, self.bottom_left) + _distance(self.top_right, self.bottom_right)) / 2

    @property
    def center(self) -> Point:
        """Mean of the four corners."""
        x, y = self.to_array().mean(axis=0).tolist()
        return x, y

    def bounding_rect(self, frame_width: int, frame_height: int) -> Rect:
        """The smallest rectangle around the quad that lies inside a frame of the given size."""
        corners = self.to_array()
        limit = np.array([frame_width, frame_height])
        low = np.clip(np.floor(corners.min(axis=0)), 0, limit).astype(int)
        high = np.clip(np.ceil(corners.max(axis=0)), 0, limit).astype(int)
        return Rect(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))


def rect_iou(a: Rect, b: Rect) -> float:
    """Intersection over union of two rectangles, 0.0 to 1.0."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    intersection = width * height
    return intersection / (a.width * a.height + b.width * b.height - intersection)


def _distance(a: Point, b: Point) -> float:
    return float(np.hypot(a[0] - b[0], a[1] - b[1]))
