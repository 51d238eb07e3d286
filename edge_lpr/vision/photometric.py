"""A straightened plate in another light: the same strokes, other grey levels, so that a further look errs on its own.

All take and give uint8 pictures of shape (height, width, 3), BGR.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

PhotometricTransform = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def identity(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``plate`` itself."""
    return plate


def invert(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``plate`` as a negative: light characters on a dark ground for dark ones on a light one."""
    return ~plate


def equalize_lightness(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``plate`` with its lightness spread out place by place (CLAHE; Zuiderveld, 1994), colours kept: shadows lift."""
    lab = cv2.cvtColor(plate, cv2.COLOR_BGR2LAB)
    lab[..., 0] = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(4, 2)).apply(lab[..., 0])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2BGR), np.uint8)


def sharpen(plate: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``plate`` with its edges raised (unsharp mask), against slight blur."""
    soft = cv2.GaussianBlur(plate, (0, 0), 1.5)
    return np.asarray(cv2.addWeighted(plate, 1.8, soft, -0.8, 0), np.uint8)
