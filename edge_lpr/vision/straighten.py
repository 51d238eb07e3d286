"""Straightening: the plate inside a quad, seen from the front, at the recognizer's size."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import UNIT_CORNERS, Quad

_MAX_OVERSAMPLING = 8


def straighten(
    image: NDArray[np.uint8], quad: Quad, width: int, height: int, margin: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.uint8]:
    """The plate that fills ``quad``, as uint8 of shape (height, width, 3), in the colour order of ``image``.

    ``image`` is uint8 of shape (H, W, 3). ``margin`` is the part of the plate's width and height to show beyond
    each edge. What lies outside ``image`` repeats its border.
    """
    # A warp looks at four pixels of the frame only. A plate larger than the output is warped to a whole multiple
    # of it first and then averaged down, else its strokes would alias.
    ratio = max(quad.width / width, quad.height / height)
    factor = min(max(1, math.ceil(ratio - 0.25)), _MAX_OVERSAMPLING)
    size = (width * factor, height * factor)
    # corners are given from the outer edge of the first pixel, OpenCV counts from its centre
    matrix = cv2.getPerspectiveTransform(quad.to_array() - np.float32(0.5), _target(*size, margin) - np.float32(0.5))
    warped = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if factor > 1:
        warped = cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, dtype=np.uint8)


def to_image_points(points: NDArray[np.float32], quad: Quad, margin: tuple[float, float]) -> NDArray[np.float32]:
    """Where ``points`` of a straightened picture lie in the image it was straightened from.

    ``points`` (n, 2) are shares of the picture's width and height; ``quad`` and ``margin`` are those given to
    ``straighten``. Returns pixels of the image, float32 of shape (n, 2).
    """
    matrix = cv2.getPerspectiveTransform(_target(1, 1, margin), quad.to_array())
    return np.asarray(cv2.perspectiveTransform(points[np.newaxis], matrix)[0], dtype=np.float32)


def expand_quad(quad: Quad, margin: tuple[float, float]) -> Quad:
    """``quad`` with ``margin``, shares of its width and height, more beyond each edge, as seen from the front."""
    beyond = (UNIT_CORNERS * 2 - 1) * np.array(margin, dtype=np.float32)
    return Quad.from_array(to_image_points(UNIT_CORNERS + beyond, quad, (0.0, 0.0)))


def _target(width: int, height: int, margin: tuple[float, float]) -> NDArray[np.float32]:
    """The corners of the plate within its straightened picture."""
    left, top = (size * part / (1 + 2 * part) for size, part in zip((width, height), margin, strict=True))
    right, bottom = width - left, height - top
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float32)


def full_image_quad(image: NDArray[np.uint8]) -> Quad:
    """The quad of a picture that is itself a plate, already cut out."""
    height, width = image.shape[:2]
    return Quad((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))
