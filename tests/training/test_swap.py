"""Plate swap: the rendered plate is where it is said to be, and the old one is gone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.training.swap import fitted_corners, paste_plate, swap_plate

OLD = np.array([[200, 150], [340, 160], [338, 206], [198, 196]], np.float32)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def white_plate() -> np.ndarray:
    return np.full((76, 224, 4), 255, np.uint8)


def inside(corners: np.ndarray, shape: tuple[int, int], shrink: float) -> np.ndarray:
    center = corners.mean(axis=0)
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, np.round((corners - center) * shrink + center).astype(np.int32), 1)
    return mask.astype(bool)


def test_a_two_row_plate_keeps_the_place_and_the_tilt(rng: np.random.Generator) -> None:
    new = fitted_corners(OLD, 440 / 220, rng)
    assert np.allclose(new.mean(axis=0), OLD.mean(axis=0), atol=1)
    old_slope, new_slope = ((c[1, 1] - c[0, 1]) / (c[1, 0] - c[0, 0]) for c in (OLD, new))
    assert new_slope == pytest.approx(old_slope, abs=0.02)
    assert np.linalg.norm(new[3] - new[0]) > np.linalg.norm(OLD[3] - OLD[0])


def test_the_new_plate_covers_its_corners(rng: np.random.Generator) -> None:
    photo = np.full((360, 540, 3), 60, np.uint8)
    paste_plate(photo, white_plate(), OLD, rng)
    assert photo[inside(OLD, (360, 540), 0.85)].mean() > 240
    assert photo[~inside(OLD, (360, 540), 1.15)].mean() < 62


def test_the_old_plate_is_painted_out(rng: np.random.Generator) -> None:
    photo = np.full((360, 540, 3), 60, np.uint8)
    cv2.fillConvexPoly(photo, OLD.astype(np.int32), (255, 0, 0))
    gone = np.zeros((76, 224, 4), np.uint8)
    swap_plate(photo, OLD, gone, OLD, rng)
    assert np.abs(photo[inside(OLD, (360, 540), 1.0)].astype(int) - 60).max() < 40


def test_a_plate_outside_the_photo_changes_nothing(rng: np.random.Generator) -> None:
    photo = np.full((360, 540, 3), 60, np.uint8)
    paste_plate(photo, white_plate(), OLD + 2000, rng)
    assert (photo == 60).all()
