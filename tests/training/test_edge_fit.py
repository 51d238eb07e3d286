"""The outline of a plate's ground: found where it is visible, and nowhere else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.training.arrays import Image
from models.training.measure.edge_fit import outline, shape_error

PLATE = np.array([[120, 90], [330, 110], [326, 180], [116, 158]], np.float32)
BLUE, GREY = (190, 80, 20), (120, 120, 120)


def photo(ground: tuple[int, int, int]) -> Image:
    """A plate with white characters on a grey car."""
    flat = np.full((140, 440, 3), ground, np.uint8)
    for place in range(7):
        cv2.rectangle(flat, (20 + 58 * place, 25), (58 + 58 * place, 115), (240, 240, 240), 12)
    image = np.full((300, 460, 3), GREY, np.uint8)
    own = np.array([[0, 0], [440, 0], [440, 140], [0, 140]], np.float32)
    matrix = cv2.getPerspectiveTransform(own - np.float32(0.5), PLATE - np.float32(0.5))
    warped = cv2.warpPerspective(flat, matrix, (460, 300), image, borderMode=cv2.BORDER_TRANSPARENT)
    return np.asarray(cv2.GaussianBlur(warped, (0, 0), 0.8), np.uint8)


def test_the_outline_is_found_from_corners_that_are_off() -> None:
    off = PLATE + np.array([[-6, 3], [5, -4], [7, 5], [-4, -3]], np.float32)
    edges = outline(photo(BLUE), off)
    assert edges is not None
    assert np.linalg.norm(edges - PLATE, axis=1).max() < 1.5
    assert shape_error(PLATE, edges) < 0.012
    assert shape_error(off, edges) > 0.04


def test_another_size_is_not_a_shape_error() -> None:
    parallel = np.array([[0, 0], [300, 0], [300, 100], [0, 100]], np.float32)
    assert shape_error(parallel + np.array([[-4, -4], [4, -4], [4, 4], [-4, 4]], np.float32), parallel) < 0.01
    assert shape_error(PLATE + np.float32(8), PLATE) == pytest.approx(8 * 2**0.5 / 70, abs=0.04)


def test_without_a_coloured_ground_there_is_no_outline() -> None:
    assert outline(photo((225, 225, 225)), PLATE) is None
    assert outline(np.full((300, 460, 3), BLUE, np.uint8), PLATE) is None  # blue without an edge
