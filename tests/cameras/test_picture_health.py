"""Bad pictures are detected, and only a lasting condition is a fault."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.cameras.picture_health import PictureHealthMonitor, is_black, is_noise

Image = NDArray[np.uint8]
RNG = np.random.default_rng(5)


def scene(level: int = 110) -> Image:
    """Returns a picture of a lane with sensor noise. No two are equal."""
    picture = np.full((180, 320, 3), level, np.uint8)
    cv2.rectangle(picture, (80, 60), (240, 160), (40, 50, 60), -1)
    return np.asarray(cv2.add(picture, RNG.integers(0, 6, picture.shape, np.uint8)), np.uint8)


def noise() -> Image:
    return RNG.integers(0, 256, (180, 320, 3), np.uint8)


def show(monitor: PictureHealthMonitor, pictures: list[Image], at_s: float, every_s: float = 0.1) -> float:
    for picture in pictures:
        at_s += every_s
        monitor.add_picture(picture, at_s)
    return at_s


def test_good_pictures_are_no_fault() -> None:
    monitor = PictureHealthMonitor(2.0, 1.0)
    show(monitor, [scene() for _ in range(100)], 50.0)
    assert monitor.fault is None
    assert not monitor.reopening_is_due(60.0)


@pytest.mark.parametrize("fault", ["frozen", "black", "noise"])
def test_a_fault_must_last_and_ends_with_good_pictures(fault: str) -> None:
    stuck, dark = scene(), np.zeros((180, 320, 3), np.uint8)
    bad = {"frozen": [stuck] * 30, "black": [dark] * 30, "noise": [noise() for _ in range(30)]}[fault]
    monitor = PictureHealthMonitor(2.0, 1.0)
    at_s = show(monitor, [scene() for _ in range(10)], 50.0)
    at_s = show(monitor, bad[:15], at_s)
    assert monitor.fault is None, "a second and a half may be a truck in front of the lens"
    at_s = show(monitor, bad[15:], at_s)
    assert monitor.fault == fault
    assert monitor.reopening_is_due(at_s)
    assert not monitor.reopening_is_due(at_s + 1.9)
    assert monitor.reopening_is_due(at_s + 2.0)
    assert not monitor.reopening_is_due(at_s + 5.9), "the wait doubles while reopening does not help"
    monitor.record_opening()
    at_s = show(monitor, [scene() for _ in range(5)], at_s + 6.0)
    assert monitor.fault == fault, "half a second of good pictures is too short"
    show(monitor, [scene() for _ in range(10)], at_s)
    assert monitor.fault is None


def test_pictures_too_far_apart_are_late() -> None:
    monitor = PictureHealthMonitor(2.0, 1.0)
    at_s = show(monitor, [scene() for _ in range(10)], 50.0)
    at_s = show(monitor, [scene()], at_s, every_s=1.9)
    assert monitor.fault is None
    at_s = show(monitor, [scene() for _ in range(2)], at_s, every_s=1.2)
    assert monitor.fault == "late"
    show(monitor, [scene() for _ in range(15)], at_s)
    assert monitor.fault is None


def test_a_pause_while_the_camera_is_opened_is_not_late() -> None:
    monitor = PictureHealthMonitor(2.0, 1.0)
    at_s = show(monitor, [scene() for _ in range(10)], 50.0)
    monitor.record_opening()
    show(monitor, [scene()], at_s, every_s=30.0)
    assert monitor.fault is None


def test_noise_is_detected_in_any_compression_and_night_is_not_noise() -> None:
    for quality in (20, 50, 90):
        coded = cv2.imencode(".jpg", noise(), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        assert is_noise(np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8))
    night = np.clip(RNG.normal(30, 12, (180, 320, 3)), 0, 255).astype(np.uint8)
    assert not is_noise(night)
    assert not is_black(night)


def test_no_road_scene_is_a_fault(shared_data: Path) -> None:
    paths = [
        path for folder in ("scenes", "negatives", "backgrounds") for path in (shared_data / folder).rglob("*.jpg")
    ]
    assert paths
    for path in paths[::10]:
        image = cv2.imread(str(path))
        assert image is not None
        assert not is_noise(np.asarray(image, np.uint8)), path
        assert not is_black(np.asarray(image, np.uint8)), path
