"""Corner arithmetic that several training packages share."""

from __future__ import annotations

import numpy as np

from models.training.arrays import Corners

Box = tuple[float, float, float, float]
"""Left, top, width and height, pixels."""

UNIT_CORNERS: Corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
"""The corners of the unit square, (4, 2), in the order of ``Corners``."""


def box_corners(box: Box) -> Corners:
    """Returns the corners of an upright box."""
    x, y, w, h = box
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)


def overlap(a: Corners, b: Corners) -> bool:
    """Whether the upright boxes around ``a`` and ``b`` are closer than 4 pixels or overlap."""
    return bool(np.all(a.min(axis=0) < b.max(axis=0) + 4) and np.all(b.min(axis=0) < a.max(axis=0) + 4))
