"""Straightening: warps the plate inside a quad to a front view of the recognizer's input size."""

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
    """Warps the plate in ``quad`` of ``image`` to a front view.

    Args:
        image: uint8 of shape (H, W, 3).
        quad: Corners of the plate, in pixels of ``image``. Pixels outside ``image`` repeat its border.
        width: Width of the result, in pixels.
        height: Height of the result, in pixels.
        margin: What to show beyond each edge of the plate, as fractions of its width and height.

    Returns:
        uint8 of shape (height, width, 3), in the colour order of ``image``.
    """
    # Bilinear warping samples only four pixels of the frame, so strokes of a plate larger than the output would
    # alias. Such a plate is warped to a whole multiple of the output size and then averaged down.
    ratio = max(quad.width / width, quad.height / height)
    factor = min(max(1, math.ceil(ratio - 0.25)), _MAX_OVERSAMPLING)
    size = (width * factor, height * factor)
    # Corners are measured from the outer edge of the first pixel. OpenCV measures from its centre.
    target = _plate_corners(*size, margin) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(quad.to_array() - np.float32(0.5), target)
    warped = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if factor > 1:
        warped = cv2.resize(warped, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(warped, dtype=np.uint8)


def to_image_points(points: NDArray[np.float32], quad: Quad, margin: tuple[float, float]) -> NDArray[np.float32]:
    """Maps points of a straightened picture back to the image from which it was straightened.

    Args:
        points: float32 of shape (n, 2), as fractions of the straightened picture's width and height.
        quad: The quad that ``straighten`` was called with.
        margin: The margin that ``straighten`` was called with.

    Returns:
        Pixels of the image, float32 of shape (n, 2).
    """
    matrix = cv2.getPerspectiveTransform(_plate_corners(1, 1, margin), quad.to_array())
    return np.asarray(cv2.perspectiveTransform(points[np.newaxis], matrix)[0], dtype=np.float32)


def expand_quad(quad: Quad, margin: tuple[float, float]) -> Quad:
    """Returns ``quad`` with each edge moved outwards by ``margin``, fractions of the plate's width and height.

    The move is in the plane of the plate, so perspective is kept. Negative margins move the edges inwards.
    """
    offsets = (UNIT_CORNERS * 2 - 1) * np.array(margin, dtype=np.float32)
    return Quad.from_array(to_image_points(UNIT_CORNERS + offsets, quad, (0.0, 0.0)))


def upper_and_lower_half(quad: Quad) -> tuple[Quad, Quad]:
    """Returns the quads of the upper and the lower half of the plate in ``quad``, in the plane of the plate."""
    halves = (UNIT_CORNERS * (1, 0.5) + (0, top) for top in (0.0, 0.5))
    upper, lower = (Quad.from_array(to_image_points(half.astype(np.float32), quad, (0.0, 0.0))) for half in halves)
    return upper, lower


def full_image_quad(image: NDArray[np.uint8]) -> Quad:
    """Returns the corners of ``image`` itself, for a picture that is an already cropped plate."""
    height, width = image.shape[:2]
    return Quad((0.0, 0.0), (float(width), 0.0), (float(width), float(height)), (0.0, float(height)))


def _plate_corners(width: int, height: int, margin: tuple[float, float]) -> NDArray[np.float32]:
    """Corners of the plate inside a straightened picture of ``width`` x ``height``: float32 (4, 2)."""
    left, top = (size * share / (1 + 2 * share) for size, share in zip((width, height), margin, strict=True))
    right, bottom = width - left, height - top
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float32)
