"""Composed scenes: plates of the wanted width in frames of every size, and their measurement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from edge_lpr.geometry import Quad
from edge_lpr.vision.reader import PlateReader
from models.training.data import datasets
from models.training.measure import composed as measuring
from models.training.test_sets import composed
from models.training.test_sets.composed import ABOVE, BESIDE, FRAMES, FULL, LAYOUTS, Cell

CELLS = [Cell(FRAMES[index % 4], index % 3 == 0, layout) for index, layout in enumerate(LAYOUTS)]
SMALL = Cell(FRAMES[0], False, "150")


@pytest.fixture(autouse=True)
def development_data(shared_data: Path) -> None:
    """The scenes are drawn from the development data."""


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.frame.name} {cell.layout}")
def test_the_plates_are_whole_in_the_frame_and_as_wide_as_wanted(cell: Cell) -> None:
    for scene in composed.scenes(cell, 2):
        assert scene.image.shape == (cell.size[1], cell.size[0], 3)
        assert len(scene.plates) == (2 if cell.layout in (BESIDE, ABOVE) else 1)
        for plate in scene.plates:
            assert np.all(plate.corners >= -1) and np.all(plate.corners <= np.array(cell.size) + 1)
        corners = scene.plates[0].corners
        if cell.layout == FULL:
            assert (np.ptp(corners, axis=0) / cell.size).max() > 0.8
        elif cell.layout.isdecimal():
            assert Quad.from_array(corners).width == pytest.approx(int(cell.layout), rel=0.02)


def test_two_plates_touch_and_do_not_overlap() -> None:
    for layout, axis in ((BESIDE, 0), (ABOVE, 1)):
        for scene in composed.scenes(Cell(FRAMES[0], False, layout), 8):
            first, second = (plate.corners for plate in scene.plates)
            size = Quad.from_array(first)
            apart = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0)) / (size.width, size.height)[axis]
            assert apart == pytest.approx(1.0, abs=0.15)
            assert scene.plates[0].number != scene.plates[1].number


def test_the_same_seed_gives_the_same_scene_however_many_are_drawn() -> None:
    (one,) = composed.scenes(SMALL, 1)
    first, _ = composed.scenes(SMALL, 2)
    (other,) = composed.scenes(SMALL, 1, seed=1)
    assert np.array_equal(one.image, first.image)
    assert not np.array_equal(one.image, other.image)


def test_only_numbers_of_validation_photos_are_shown() -> None:
    numbers = {plate.number for scene in datasets.scenes("val") for plate in scene.plates}
    assert {
        plate.number for cell in CELLS[:3] for scene in composed.scenes(cell, 2) for plate in scene.plates
    } <= numbers


def test_scenes_are_read_and_counted(reader: PlateReader) -> None:
    records = measuring.read_cells([SMALL], 4, composed.SEED, reader, Console(quiet=True))
    assert measuring.recall(records).trials == 4
    assert measuring.exact(records).hits >= 3
    table = measuring.table_of(records)
    assert [column.header for column in table.columns] == ["plate", "1080p", "all"]
