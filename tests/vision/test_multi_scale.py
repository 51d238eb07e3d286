"""Plates in photos that are much larger than the detector's input, and plates that fill the photo."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.config import ReaderSettings
from edge_lpr.images import load_image
from edge_lpr.vision import multi_scale
from edge_lpr.vision.detector import Detector
from edge_lpr.vision.model_file import load_models
from edge_lpr.vision.reader import PlateReader

Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def plate(plate_photo: bytes, reader: PlateReader) -> tuple[str, Image, int]:
    """The number in the photo, the photo, and the width of its plate in pixels."""
    image = load_image(plate_photo)
    reading = reader.read(image)[0]
    return reading.number, image, reading.rect.width


@pytest.fixture(scope="module")
def photo_reader(models_dir: Path) -> PlateReader:
    return PlateReader.open(ReaderSettings(models_dir=models_dir, min_plate_width=30))


def placed(image: Image, scale: float, size: tuple[int, int], at: tuple[float, float]) -> Image:
    """Returns a picture of ``size`` (width, height) with the scaled ``image`` at a relative position."""
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    large = np.full((size[1], size[0], 3), 110, np.uint8)
    left, top = round(at[0] * (size[0] - small.shape[1])), round(at[1] * (size[1] - small.shape[0]))
    large[top : top + small.shape[0], left : left + small.shape[1]] = small
    return large


@pytest.mark.parametrize("size", [(4056, 3040), (3040, 4056), (4624, 3472)])
@pytest.mark.parametrize("at", [(0.0, 0.0), (0.37, 0.61), (1.0, 1.0)])
def test_a_plate_in_a_large_photo_is_read_once(
    photo_reader: PlateReader, plate: tuple[str, Image, int], size: tuple[int, int], at: tuple[float, float]
) -> None:
    number, image, width = plate
    photo = placed(image, 110 / width, size, at)
    assert [reading.number for reading in photo_reader.read(photo)] == [number]
    assert photo_reader.read(photo, single_scale=True) == []


def test_a_plate_that_fills_the_photo_is_read(photo_reader: PlateReader, plate: tuple[str, Image, int]) -> None:
    number, image, _ = plate
    rect = photo_reader.read(image)[0].rect
    crop = image[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width]
    photo = cv2.resize(crop, (1200, round(1200 * rect.height / rect.width)), interpolation=cv2.INTER_CUBIC)
    assert [reading.number for reading in photo_reader.read(np.asarray(photo, np.uint8))] == [number]


def test_a_photo_without_a_plate_is_also_searched_at_smaller_scales(models_dir: Path) -> None:
    detector = Detector(load_models(models_dir).detector)
    runs: list[str] = []
    grey = np.full((540, 960, 3), 110, np.uint8)
    assert multi_scale.detect_photo(detector, grey, lambda stage, _seconds: runs.append(stage)) == []
    assert len(runs) == 1 + len(multi_scale.SMALLER_SCALES)


@pytest.mark.parametrize(("length", "window"), [(100, 640), (640, 640), (641, 640), (4056, 640), (3472, 384)])
def test_windows_cover_the_photo_and_overlap(length: int, window: int) -> None:
    starts = multi_scale._starts(length, window)
    assert starts[0] == 0 and starts[-1] == max(0, length - window)
    for before, after in pairwise(starts):
        assert before + window - after >= multi_scale.OVERLAP * window - 1


def test_a_small_photo_takes_one_run_of_the_detector(models_dir: Path, plate: tuple[str, Image, int]) -> None:
    detector = Detector(load_models(models_dir).detector)
    runs: list[str] = []
    multi_scale.detect_photo(detector, plate[1], lambda stage, _seconds: runs.append(stage))
    assert runs == ["detect"]


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (2560, 1440), (3840, 2160)])
def test_a_plate_of_sixty_pixels_is_read_in_a_photo_of_any_size(
    photo_reader: PlateReader, plate: tuple[str, Image, int], size: tuple[int, int]
) -> None:
    number, image, width = plate
    photo = placed(image, 60 / width, size, (0.3, 0.7))
    assert [reading.number for reading in photo_reader.read(photo)] == [number]


@pytest.mark.parametrize("size", [(1920, 1080), (4056, 3040), (3040, 4056), (4000, 200), (9000, 7000)])
def test_each_level_holds_whole_what_the_level_before_may_miss(models_dir: Path, size: tuple[int, int]) -> None:
    detector = Detector(load_models(models_dir).detector)
    whole = min(detector.width / size[0], detector.height / size[1])
    scales = multi_scale.window_scales(*size, detector)
    for before, after in pairwise([whole, *scales]):
        missed = multi_scale.RESOLVED_WIDTH / before  # pixels of the photo
        assert before < after
        assert missed * after <= multi_scale.OVERLAP * detector.width + 1e-6
    if size[0] * size[1] <= multi_scale.MAX_PIXELS:
        assert scales[-1] * multi_scale.SMALLEST_WIDTH == pytest.approx(multi_scale.RESOLVED_WIDTH)


@pytest.mark.parametrize("size", [(1280, 720), (720, 1160), (640, 480)])
def test_frames_of_a_camera_and_small_photos_have_no_levels(models_dir: Path, size: tuple[int, int]) -> None:
    assert multi_scale.window_scales(*size, Detector(load_models(models_dir).detector)) == []
