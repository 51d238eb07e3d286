"""Straightening: the four corners of a plate become the corners of the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.straighten import expand_quad, full_image_quad, straighten

WIDTH, HEIGHT = 160, 64


def pattern(width: int, height: int) -> NDArray[np.uint8]:
    """Four fields: black, white above; blue, red below (BGR)."""
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[: height // 2, width // 2 :] = 255
    image[height // 2 :, : width // 2] = (255, 0, 0)
    image[height // 2 :, width // 2 :] = (0, 0, 255)
    return image


def assert_pattern(plate: NDArray[np.uint8]) -> None:
    assert plate.shape == (HEIGHT, WIDTH, 3)
    assert plate.dtype == np.uint8
    fields = [plate[16, 40], plate[16, 120], plate[48, 40], plate[48, 120]]
    expected = [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255)]
    for field, color in zip(fields, expected, strict=True):
        assert np.abs(field.astype(int) - color).max() <= 3


@pytest.mark.parametrize("size", [(160, 64), (44, 18), (90, 30), (1000, 300), (3000, 1400)])
def test_a_crop_of_any_size(size: tuple[int, int]) -> None:
    image = pattern(*size)
    assert_pattern(straighten(image, full_image_quad(image), WIDTH, HEIGHT))


def test_a_picture_of_the_right_size_is_unchanged() -> None:
    image = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    assert np.abs(straighten(image, full_image_quad(image), WIDTH, HEIGHT).astype(int) - image).max() <= 1


def test_a_tilted_plate_becomes_upright() -> None:
    corners = np.array([(200, 120), (420, 160), (410, 260), (190, 210)], dtype=np.float32)
    source = np.array([(0, 0), (320, 0), (320, 128), (0, 128)], dtype=np.float32)
    frame = cv2.warpPerspective(pattern(320, 128), cv2.getPerspectiveTransform(source, corners), (640, 480))
    assert_pattern(straighten(np.asarray(frame, np.uint8), Quad.from_array(corners), WIDTH, HEIGHT))


def test_fine_stripes_of_a_large_plate_do_not_alias() -> None:
    image = np.zeros((640, 1600, 3), dtype=np.uint8)
    image[:, ::2] = 255
    plate = straighten(image, full_image_quad(image), WIDTH, HEIGHT)
    assert 100 < plate.min() <= plate.max() < 156


def test_a_margin_shows_the_surroundings() -> None:
    image = np.zeros((200, 400, 3), dtype=np.uint8)
    image[50:150, 100:300] = 255
    quad = Quad((100, 50), (300, 50), (300, 150), (100, 150))
    assert straighten(image, quad, WIDTH, HEIGHT)[2:-2, 2:-2].min() == 255
    wider = straighten(image, quad, WIDTH, HEIGHT, margin=(0.25, 0.25))
    assert wider[2, 2].max() == 0
    assert wider[HEIGHT // 2, WIDTH // 2].min() == 255
    assert wider.mean() == pytest.approx(255 / 1.5**2, rel=0.1)


def test_an_expanded_quad_shows_the_same_as_a_margin() -> None:
    image = np.random.default_rng(4).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    image = np.asarray(cv2.resize(image, (400, 240), interpolation=cv2.INTER_CUBIC), np.uint8)
    quad = Quad((100, 60), (300, 90), (290, 170), (110, 150))
    larger = straighten(image, expand_quad(quad, (0.1, 0.2)), WIDTH, HEIGHT)
    assert np.abs(larger.astype(int) - straighten(image, quad, WIDTH, HEIGHT, margin=(0.1, 0.2))).max() <= 2


def test_corners_outside_the_frame_repeat_its_border() -> None:
    image = np.full((50, 100, 3), 90, dtype=np.uint8)
    plate = straighten(image, Quad((-20, -10), (80, -10), (80, 30), (-20, 30)), WIDTH, HEIGHT)
    assert (plate == 90).all()
