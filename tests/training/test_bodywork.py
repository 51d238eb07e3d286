"""Bands across a training plate, and faint paint: within their limits, with the number still readable."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.training.data.pool import FlatPlate
from models.training.synthesis import bodywork
from models.training.synthesis.bodywork import banded, faint, with_bodywork

BOX = np.array([[0.1, 0.15, 0.2, 0.85]], np.float32)
INK, SHEET = 180, 70


def plate() -> NDArray[np.uint8]:
    """Grey letters on grey sheet, 96 x 256."""
    image = np.full((96, 256, 3), SHEET, np.uint8)
    cv2.putText(image, "AB123", (8, 70), cv2.FONT_HERSHEY_SIMPLEX, 2.4, (INK, INK, INK), 9)
    return image


def test_bands_are_straight_and_within_their_share_of_the_contrast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodywork, "JOINT", 0.0)
    rng = np.random.default_rng(1)
    before, directions = plate(), set()
    for _ in range(40):
        light = banded(before, BOX, 4.0, rng).astype(int) - before
        along = [axis for axis in (0, 1) if np.ptp(light, axis=axis).max() == 0]
        assert along, "straight bands change along one axis only"
        directions.update(along)
        assert 3 <= np.abs(light).max() <= bodywork.DEPTH[1] * (INK - SHEET) + 1
    assert directions == {0, 1}
    assert (before == plate()).all(), "the pool's own picture must not change"


def test_the_number_stands_out_from_the_sheet_on_every_banded_plate() -> None:
    rng = np.random.default_rng(2)
    before = plate()
    ink = (before[..., 0] > (INK + SHEET) / 2).ravel()
    for _ in range(200):
        after = banded(before, BOX, 4.0, rng)
        assert after.shape == before.shape and after.dtype == np.uint8
        assert np.corrcoef(after[..., 0].ravel(), ink)[0, 1] > 0.5


def test_the_contrast_of_faint_paint_is_within_its_limits() -> None:
    rng = np.random.default_rng(3)
    before = plate()
    for _ in range(40):
        after = faint(before, rng).astype(int)
        assert bodywork.FAINT[0] - 2 <= np.ptp(after) <= bodywork.FAINT[1] + 2
        assert abs(after.mean() - before.mean()) < 2
    assert (before == plate()).all(), "the pool's own picture must not change"


def test_paint_that_is_already_faint_does_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodywork, "FAINT", (INK - SHEET + 1.0, INK - SHEET + 9.0))
    assert (faint(plate(), np.random.default_rng(4)) == plate()).all()


def test_painted_numbers_are_made_hard_to_read_more_often_than_metal_plates_and_keep_their_outline() -> None:
    picture = np.dstack([plate(), np.full((96, 256), 255, np.uint8)])
    picture[:, :9, 3] = 0
    changed = {}
    for kind in ("blue", "painted"):
        described = FlatPlate("皖A12345", "蓝色", 1, kind, 3.0, BOX.tolist())
        rng = np.random.default_rng(5)
        results = [with_bodywork(picture, described, rng) for _ in range(60)]
        assert all((result[..., 3] == picture[..., 3]).all() for result in results)
        changed[kind] = sum(bool((result != picture).any()) for result in results)
    assert 0 < changed["blue"] < 20 < changed["painted"] < 60
