"""Plates in boxes: pictures that are already cut out, and boxes from another detector, upright around tilted plates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.config import ReaderSettings
from edge_lpr.evaluation.accuracy import quad_iou
from edge_lpr.geometry import Quad, Rect
from edge_lpr.images import load_image
from edge_lpr.vision.reader import PlateReader

ANGLES = (-20, -12, -6, 6, 12, 20)
SETS = ("ccpd_named", "toll", "provinces", "roadside")
FEW = 12
"""Photos of each set."""


@dataclass(frozen=True, slots=True, eq=False)
class TiltedPlate:
    """A photo turned around its plate."""

    image: NDArray[np.uint8]
    number: str
    quad: Quad

    def box(self, margin: float) -> Rect:
        """Returns the upright box around the plate with ``margin``, a share of its size, on each side."""
        corners = self.quad.to_array()
        low, high = corners.min(axis=0), corners.max(axis=0)
        more = margin * (high - low)
        left, top = np.maximum(np.floor(low - more), 0).astype(int)
        right, bottom = np.minimum(np.ceil(high + more), self.image.shape[1::-1]).astype(int)
        return Rect(int(left), int(top), int(right - left), int(bottom - top))


def cut(image: NDArray[np.uint8], box: Rect) -> NDArray[np.uint8]:
    return image[box.y : box.y + box.height, box.x : box.x + box.width]


@pytest.fixture(scope="module")
def reader(models_dir: Path) -> PlateReader:
    return PlateReader.open(ReaderSettings(models_dir=models_dir))


@pytest.fixture(scope="module")
def tilted(shared_data: Path) -> list[TiltedPlate]:
    return [plate for name in SETS for plate in _tilted(shared_data / "scenes" / name)]


def _tilted(folder: Path) -> Iterator[TiltedPlate]:
    labels = json.loads(folder.with_suffix(".json").read_text(encoding="utf-8"))
    entries = [(name, entry["plates"][0]) for name, entry in sorted(labels.items()) if entry["plates"]]
    chosen = [(name, plate) for name, plate in entries if plate["split"] == "val" and plate["number"]][:FEW]
    for index, (name, plate) in enumerate(chosen):
        image, quad = load_image(folder / name), np.array(plate["quad"], np.float32)
        center = quad.mean(axis=0).tolist()
        turn = cv2.getRotationMatrix2D(center, ANGLES[index % len(ANGLES)], 1.0)
        turned = cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        corners = Quad.from_array(quad @ turn[:, :2].T + turn[:, 2])
        yield TiltedPlate(np.asarray(turned, np.uint8), plate["number"], corners)


@pytest.mark.parametrize("margin", [-0.02, 0.0, 0.07, 0.15])
def test_crops_cut_upright_around_tilted_plates_are_read(
    reader: PlateReader, tilted: list[TiltedPlate], margin: float
) -> None:
    right = found = 0
    for plate in tilted:
        box = plate.box(margin)
        reading = reader.read_crop(cut(plate.image, box))
        if reading is not None and reading.number == plate.number:
            right += 1
            there = Quad.from_array(reading.quad.to_array() + np.array([box.x, box.y], np.float32))
            found += quad_iou(there, plate.quad) > 0.7
    assert right >= len(tilted) - 1
    assert found >= 0.8 * len(tilted)  # a crop that is certain at once keeps its own corners


@pytest.mark.parametrize("margin", [0.0, 0.1])
def test_boxes_of_another_detector_are_read(reader: PlateReader, tilted: list[TiltedPlate], margin: float) -> None:
    readings = [reader.read_box(plate.image, plate.box(margin)) for plate in tilted]
    right = [one is not None and one.number == plate.number for one, plate in zip(readings, tilted, strict=True)]
    assert sum(right) >= len(tilted) - 1


def test_a_box_may_reach_beyond_the_picture(reader: PlateReader, tilted: list[TiltedPlate]) -> None:
    plate = tilted[0]
    inside = cut(plate.image, plate.box(0.0))
    reading = reader.read_box(inside, Rect(-3, -3, inside.shape[1] + 6, inside.shape[0] + 6))
    assert reading is not None and reading.number == plate.number
    assert reading.rect.x >= 0 and reading.rect.x + reading.rect.width <= inside.shape[1]


@pytest.mark.parametrize("box", [Rect(10, 10, 0, 5), Rect(10, 10, 5, 0), Rect(100, 0, 20, 20), Rect(-30, -30, 20, 20)])
def test_a_box_without_pixels_is_a_value_error(reader: PlateReader, box: Rect) -> None:
    with pytest.raises(ValueError, match="must cover pixels of the picture of 100 x 60"):
        reader.read_box(np.zeros((60, 100, 3), np.uint8), box)


def test_a_crop_that_is_certain_at_once_takes_one_recognition(reader: PlateReader, shared_data: Path) -> None:
    labels = json.loads((shared_data / "crops" / "toll.json").read_text(encoding="utf-8"))
    names = [name for name, label in sorted(labels.items()) if label["split"] == "val"][:20]
    runs = [_runs_of(reader, load_image(shared_data / "crops" / "toll" / name)) for name in names]
    assert runs.count(1) >= 15


def _runs_of(reader: PlateReader, crop: NDArray[np.uint8]) -> int:
    stages: list[str] = []
    reader.read_crop(crop, lambda stage, seconds: stages.append(stage))
    return stages.count("recognise") + stages.count("refine")


def test_nothing_is_read_in_patches_without_a_plate(reader: PlateReader, shared_data: Path) -> None:
    patches = sorted((shared_data / "negatives").rglob("*.jpg"))[::20]
    assert patches
    assert [path.name for path in patches if reader.read_crop(load_image(path)) is not None] == []
