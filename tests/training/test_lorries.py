"""Painted numbers as lorries carry them: letters spread over the doors, above the rear plate."""

from __future__ import annotations

import numpy as np
import pytest

from edge_lpr.plates import is_valid_number
from models.training.synthesis import PlateGenerator
from models.training.synthesis.doors import door_fittings
from models.training.synthesis.lettering import SPREAD_ASPECT
from models.training.synthesis.painted import letters


@pytest.mark.parametrize("seed", range(8))
def test_spread_letters_are_far_apart_and_in_their_boxes(generator: PlateGenerator, seed: int) -> None:
    ink, boxes = letters("湘AH575挂", 1, True, generator.glyphs, np.random.default_rng(seed))
    height, width = ink.shape
    assert 0.5 * SPREAD_ASPECT[0] < width / height < 1.3 * SPREAD_ASPECT[1]
    assert len(boxes) == 7
    assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in boxes)
    rights, lefts = [box[2] for box in boxes[:-1]], [box[0] for box in boxes[1:]]
    assert all(right < left for right, left in zip(rights, lefts, strict=True))


def test_letters_without_spread_stand_close(generator: PlateGenerator) -> None:
    def width(spread: bool) -> float:
        return float(
            np.mean(
                [
                    letters("京A12345", 1, spread, generator.glyphs, np.random.default_rng(i))[0].shape[1]
                    for i in range(20)
                ]
            )
        )

    assert width(False) < 0.85 * width(True)


def test_door_fittings_keep_size_and_leave_the_sheet_alone(generator: PlateGenerator) -> None:
    sheet = np.full((120, 700, 3), 128, np.uint8)
    boxes = tuple((20.0 + 95 * i, 20.0, 70.0 + 95 * i, 100.0) for i in range(7))
    drawn = [door_fittings(sheet, boxes, np.full(3, 128.0), np.random.default_rng(seed)) for seed in range(12)]
    assert all(image.shape == sheet.shape and image.dtype == np.uint8 for image in drawn)
    assert any((image != sheet).any() for image in drawn)
    assert (sheet == 128).all()


@pytest.mark.parametrize("seed", range(12))
def test_a_tailgate_shows_its_number_within_the_picture(generator: PlateGenerator, seed: int) -> None:
    gate = generator.tailgate(np.random.default_rng(seed))
    height, width = gate.image.shape[:2]
    assert gate.image.dtype == np.uint8
    assert is_valid_number(gate.number)
    assert 1 <= len(gate.plates) <= 2
    for corners in gate.plates:
        assert corners.shape == (4, 2) and corners.dtype == np.float32
        assert (corners >= 0).all() and (corners <= (width, height)).all()
    if len(gate.plates) == 2:
        assert gate.plates[0][:, 1].max() <= gate.plates[1][:, 1].max()
