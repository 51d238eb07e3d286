"""Refinement: corners with errors like those of the detector come closer to those that a person marked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.images import load_image
from edge_lpr.vision.crops import PlateCrop
from edge_lpr.vision.model_file import load_models
from edge_lpr.vision.recognizer import Recognizer
from edge_lpr.vision.straighten import straighten, to_image_points

PHOTOS = 24
QUAD = Quad((40, 30), (160, 50), (150, 100), (45, 90))


def _marked(shared_data: Path) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Yields validation photos with the corners of their plate, which a person marked."""
    scenes = shared_data / "scenes"
    labels = json.loads((scenes / "ccpd_named.json").read_text("utf-8"))
    marked = [(name, entry["plates"][0]) for name, entry in sorted(labels.items())]
    for name, plate in [(name, plate) for name, plate in marked if plate["split"] == "val"][:PHOTOS]:
        yield load_image(scenes / "ccpd_named" / name), np.array(plate["quad"], np.float32)


@pytest.mark.parametrize("margin", [(0.0, 0.0), (0.1, 0.22)])
def test_points_of_a_straightened_picture_map_to_the_image(margin: tuple[float, float]) -> None:
    across, down = (share / (1 + 2 * share) for share in margin)
    corners = np.array([(across, down), (1 - across, down), (1 - across, 1 - down), (across, 1 - down)], np.float32)
    assert to_image_points(corners, QUAD, margin) == pytest.approx(QUAD.to_array(), abs=0.01)


def test_a_spot_maps_to_its_position_in_the_image() -> None:
    image = np.zeros((120, 200, 3), np.uint8)
    image[60:64, 90:94] = 255
    margin = (0.1, 0.2)
    picture = straighten(image, QUAD, 160, 64, margin)[..., 0].astype(float)
    ys, xs = np.mgrid[:64, :160] + 0.5
    spot = np.array(
        [[(xs * picture).sum() / picture.sum() / 160, (ys * picture).sum() / picture.sum() / 64]], np.float32
    )
    assert to_image_points(spot, QUAD, margin)[0] == pytest.approx((92, 62), abs=0.3)


def test_wrong_corners_come_closer_to_the_true_ones(shared_data: Path, models_dir: Path) -> None:
    recognizer = Recognizer(load_models(models_dir).recognizer)
    rng = np.random.default_rng(1)
    before, after = [], []
    for image, true in _marked(shared_data):
        wrong = Quad.from_array(true + _shear(true, rng))
        before.append(_error(wrong, true))
        after.append(_error(recognizer.refine(image, wrong), true))
    assert np.mean(after) < 0.6 * np.mean(before)


@pytest.mark.parametrize("edge", ["upper", "lower"])
def test_a_quad_that_is_too_tall_comes_back_to_the_plate(shared_data: Path, models_dir: Path, edge: str) -> None:
    """This happens when the detector takes a badge above the plate for another row."""
    recognizer = Recognizer(load_models(models_dir).recognizer)
    before, after = [], []
    for image, true in _marked(shared_data):
        sides = true[[3, 2]] - true[[0, 1]]
        taller = true.copy()
        if edge == "upper":
            taller[:2] -= 0.5 * sides
        else:
            taller[[3, 2]] += 0.5 * sides
        before.append(_error(Quad.from_array(taller), true))
        after.append(_error(recognizer.refine(image, Quad.from_array(taller)), true))
    assert np.mean(after) < 0.35 * np.mean(before)


def test_refining_on_noise_returns_a_quad_of_similar_size(models_dir: Path) -> None:
    recognizer = Recognizer(load_models(models_dir).recognizer)
    noise = np.random.default_rng(2).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    refined = recognizer.refine(noise, QUAD)
    assert 0.2 < refined.width / QUAD.width < 5
    assert 0.2 < refined.height / QUAD.height < 5


def _shear(true: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Returns errors like those of the detector on a tilted plate: shifted upper and lower edges, some noise."""
    height = np.linalg.norm(true[3] - true[0])
    amount = rng.choice((-1, 1)) * rng.uniform(0.1, 0.2) * height
    along = (true[1] - true[0]) / np.linalg.norm(true[1] - true[0])
    shift = np.array([along, along, -along, -along]) * amount
    return np.asarray(shift + rng.normal(0, 0.03 * height, (4, 2)), np.float32)


def _error(quad: Quad, true: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(quad.to_array() - true, axis=1).mean() / np.linalg.norm(true[3] - true[0]))


def test_a_crop_fills_the_picture(models_dir: Path) -> None:
    recognizer = Recognizer(load_models(models_dir).recognizer)
    image = np.zeros((200, 400, 3), np.uint8)
    image[:84, :160] = 255
    plate = Quad((0, 0), (400, 0), (400, 200), (0, 200))
    whole = recognizer.straighten(image, plate)
    crop = recognizer.straighten_crop(image, plate, PlateCrop(0, 0, 0.5, 0.5))
    assert crop.shape == whole.shape
    # the margin shows 2 % more of the plate at each edge
    assert (whole[10, :, 0] > 127).mean() == pytest.approx(0.42 / 1.04, abs=0.02)
    assert (crop[10, :, 0] > 127).mean() == pytest.approx(2 * 0.42 / 1.04, abs=0.02)
    assert (crop[:, 10, 0] > 127).mean() == pytest.approx(2 * 0.44 / 1.04, abs=0.03)
