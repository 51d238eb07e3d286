"""The classifier that tells real plates from rendered ones."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.measure import realism


def pictures(rng: np.random.Generator, count: int, low: int, high: int) -> np.ndarray:
    return np.stack([realism.features(rng.integers(low, high, (50, 170, 3), dtype=np.uint8)) for _ in range(count)])


def test_pictures_of_one_source_are_not_told_apart() -> None:
    rng = np.random.default_rng(1)
    result = realism.separation(pictures(rng, 30, 0, 256), pictures(rng, 90, 0, 256))
    assert (result.real, result.rendered) == (30, 90)
    assert abs(result.area - 0.5) < 4 * result.error


def test_pictures_of_another_contrast_are_told_apart() -> None:
    rng = np.random.default_rng(2)
    assert realism.separation(pictures(rng, 6, 60, 200), pictures(rng, 60, 0, 256)).area > 0.99


def test_features_do_not_depend_on_the_size_of_the_crop() -> None:
    flat = [np.full((height, 3 * height, 3), 90, np.uint8) for height in (20, 64, 200)]
    first, *others = [realism.features(picture) for picture in flat]
    assert all(np.allclose(first, other) for other in others)


def test_crops_have_a_margin_and_end_at_the_picture() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    corners = np.array([[50, 40], [150, 45], [150, 75], [50, 70]], np.float32)
    crop = realism.box_crop(image, corners)
    assert crop is not None
    assert crop.shape[:2] == (pytest.approx(39, abs=2), pytest.approx(112, abs=2))
    assert realism.box_crop(image, corners + 140) is None
