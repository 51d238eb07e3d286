"""Windows of photos: labels stay on their plates, and cut plates are ignored."""

from __future__ import annotations

import cv2
import numpy as np

from models.training.data.lorries import add_tailgate
from models.training.data.windows import MAX_PLATES, Window, anywhere, view
from models.training.geometry import box_corners
from models.training.synthesis import PlateGenerator

PLATE = np.array([[300, 200], [440, 210], [438, 256], [298, 246]], np.float32)


def test_the_corners_of_a_window_are_on_its_plate() -> None:
    photo = np.full((480, 640, 3), 40, np.uint8)
    cv2.fillConvexPoly(photo, PLATE.astype(np.int32), (255, 255, 255))
    rng = np.random.default_rng(1)
    shown = 0
    for _ in range(60):
        window = view(photo, [PLATE], [], rng, 320, 320)
        for corners in window.plates:
            center = corners.mean(axis=0)
            inside, around = (np.zeros((320, 320), np.uint8) for _ in range(2))
            cv2.fillConvexPoly(inside, ((corners - center) * 0.7 + center).round().astype(np.int32), 1)
            cv2.fillConvexPoly(around, ((corners - center) * 1.6 + center).round().astype(np.int32), 1)
            beyond = (around == 1) & (cv2.dilate(inside, np.ones((3, 3), np.uint8)) == 0)
            if inside.sum() > 200:
                shown += 1
                assert window.image[inside == 1].mean() > 200
                assert window.image[beyond].mean() < window.image[inside == 1].mean()
    assert shown > 20


def test_a_plate_that_the_window_cuts_is_ignored() -> None:
    photo = np.zeros((480, 640, 3), np.uint8)
    rng = np.random.default_rng(2)
    for _ in range(200):
        window = view(photo, [PLATE], [box_corners((0, 0, 90, 30))], rng, 320, 320)
        for corners in window.plates:
            low, high = corners.min(axis=0), corners.max(axis=0)
            visible = np.minimum(high, 320) - np.maximum(low, 0)
            assert visible.prod() >= 0.85 * (high - low).prod()
        assert len(window.plates) <= 1 and len(window.ignore) <= MAX_PLATES


def test_an_object_over_a_plate_is_noticed() -> None:
    window = Window(np.zeros((320, 320, 3), np.uint8), plates=[box_corners((100, 100, 80, 30))])
    assert window.covers_plate(box_corners((150, 120, 80, 30)))
    assert not window.covers_plate(box_corners((200, 200, 80, 30)))


def test_a_random_object_has_its_middle_in_the_window() -> None:
    window = Window(np.zeros((320, 640, 3), np.uint8))
    rng = np.random.default_rng(3)
    for _ in range(50):
        x, y = anywhere(window, 3.0, rng).mean(axis=0)
        assert 0 < x < 640 and 0 < y < 320


def test_a_close_object_fills_most_of_the_window() -> None:
    window = Window(np.zeros((384, 640, 3), np.uint8))
    rng = np.random.default_rng(4)
    for aspect in (1.57, 3.1, 8.0):
        for _ in range(30):
            size = np.ptp(anywhere(window, aspect, rng, close=True), axis=0)
            assert max(size / (640, 384)) > 0.45


def test_a_lorry_covers_the_plates_behind_it_and_brings_its_own(generator: PlateGenerator) -> None:
    rng = np.random.default_rng(5)
    numbers, covered = 0, 0
    for _ in range(20):
        window = Window(np.zeros((384, 640, 3), np.uint8), plates=[box_corners((280, 180, 80, 26))])
        add_tailgate(window, generator.tailgate(rng), rng)
        covered += not any(np.array_equal(corners, box_corners((280, 180, 80, 26))) for corners in window.plates)
        numbers += len(window.plates)
        assert len(window.plates) <= 3 and len(window.ignore) <= MAX_PLATES
        for corners in window.plates:
            assert (corners > -0.05 * 640).all() and (corners < 1.05 * 640).all()
    assert covered >= 18
    assert numbers >= 15
