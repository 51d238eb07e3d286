"""Straightening: the plate inside a quad, seen from the front, at the recognizer's size."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad

_MAX_OVERSAMPLING = 8


def straighten(image: NDArray[np.uint8], quad: Quad, width: int, height: int, margin: float = 0.0) -> NDArray[np.uint8]:
    """The plate that fills ``quad``, as uint8 of shape (height, width, 3), in the colour order of ``image``.

    ``image`` is uint8 of shape (H, W, 3). ``margin`` is the part of the plate's width and height to show beyond
    each edge. What lies outside ``image`` repeats its border.
    """
    # A warp looks at four pixels of the frame only. A plate larger than the output is warped to a whole multiple
    # of it first and then averaged down, else its strokes would alias.
    ratio = max(quad.width / width, quad.height / height)
    factor = min(max(1, math.ceil(ratio - 0.25)), _MAX_OVERSAMPLING)
    wide, high = width * factor, height * factor
    inset_x, inset_y = (size * margin / (1 + 2 * margin) for size in (wide, high))
    target = np.array(
        [(inset_x, inset_y), (wide - inset_x, inset_y), (wide - inset_x, high - inset_y), (inset_x, high - inset_y)],
        dtype=np.float32,
    )
    # corners are given from the outer edge of the first pixel, OpenCV counts from its centre
    matrix = cv2.getPerspectiveTransform(quad.to_array() - np.float32(0.5), target - np.float32(0.5))
    warped = cv2.warpPerspective(image, matrix, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if factor > 1:
        warped = cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, dtype=np.uint8)


def whole_image(image: NDArray[np.uint8]) -> Quad:
    """The quad of a picture that is itself a plate, already cut out."""
    height, width = image.shape[:2]
    return Quad((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
