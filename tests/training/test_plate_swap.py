"""Plate swap: the rendered plate is at its corners, and the old one is gone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.training.augment.plate_swap import fitted_corners, paste_plate, swap_plate

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


def test_a_two_row_plate_keeps_the_position_and_the_tilt(rng: np.random.Generator) -> None:
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
    for away in (2000, -2000):
        paste_plate(photo, white_plate(), OLD + away, rng)
        swap_plate(photo, OLD + away, white_plate(), OLD + away, rng, seamless=1.0)
    assert (photo == 60).all()


def lettered(ground: int, ink: int) -> np.ndarray:
    plate = np.full((76, 224, 4), ground, np.uint8)
    for left in range(20, 200, 30):
        plate[18:58, left : left + 12, :3] = ink
    plate[..., 3] = 255
    return plate


def test_a_seamless_plate_has_the_cars_colour_and_keeps_its_number(rng: np.random.Generator) -> None:
    hung, painted = (np.full((360, 540, 3), 90, np.uint8) for _ in range(2))
    swap_plate(hung, OLD, lettered(30, 130), OLD, rng)
    swap_plate(painted, OLD, lettered(30, 130), OLD, rng, seamless=1.0)
    rim = inside(OLD, (360, 540), 0.98) & ~inside(OLD, (360, 540), 0.9)
    plate = inside(OLD, (360, 540), 0.9)
    assert abs(float(np.median(hung[rim])) - 90) > 25
    assert abs(float(np.median(painted[rim])) - 90) < 6
    assert np.percentile(painted[plate], 98) - 90 > 40


def test_a_white_number_stays_visible_on_a_white_car(rng: np.random.Generator) -> None:
    photo = np.full((360, 540, 3), 235, np.uint8)
    swap_plate(photo, OLD, lettered(60, 200), OLD, rng, seamless=1.0)
    assert photo[inside(OLD, (360, 540), 0.9)].std() > 25
