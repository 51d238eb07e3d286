"""Photometric transforms of straightened plates: the same strokes, other grey levels.

Test-time augmentation uses them, so that the errors of its passes differ. Each function takes and returns a picture,
uint8 of shape (height, width, 3), BGR.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

PhotometricTransform = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def identity(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns ``plate`` unchanged."""
    return plate


def invert(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the negative of ``plate``: dark characters on a light ground become light ones on a dark ground."""
    return ~plate


def equalize_lightness(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Equalises the lightness of ``plate`` locally (CLAHE; Zuiderveld, 1994) and keeps its colours.

    This makes characters in shadow visible.
    """
    lab = cv2.cvtColor(plate, cv2.COLOR_BGR2LAB)
    lab[..., 0] = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(4, 2)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)


def sharpen(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sharpens ``plate`` with an unsharp mask, against slight blur."""
    blurred = cv2.GaussianBlur(plate, (0, 0), 1.5)
    return np.asarray(cv2.addWeighted(plate, 1.8, blurred, -0.8, 0), np.uint8)
