"""Bands across a training plate: straight, no stronger than told, and the number still there for a person to read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.training import bodywork
from models.training.bodywork import banded

BOX = np.array([[0.1, 0.15, 0.2, 0.85]], np.float32)
INK, SHEET = 200, 80


def plate() -> NDArray[np.uint8]:
    """Grey letters on grey sheet, 96 x 256."""
    image = np.full((96, 256, 3), SHEET, np.uint8)
    cv2.putText(image, "AB123", (8, 70), cv2.FONT_HERSHEY_SIMPLEX, 2.4, (INK, INK, INK), 9)
    return image


def test_bands_run_straight_across_and_keep_within_their_share_of_the_contrast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodywork, "JOINT", 0.0)
    rng = np.random.default_rng(1)
    before, directions = plate(), set()
    for _ in range(40):
        light = banded(before, BOX, 4.0, rng).astype(int) - before
        along = [axis for axis in (0, 1) if np.ptp(light, axis=axis).max() == 0]
        assert along, "bands that are straight change along one axis only"
        directions.update(along)
        assert 3 <= np.abs(light).max() <= bodywork.DEPTH[1] * (INK - SHEET) + 1
    assert directions == {0, 1}
    assert (before == plate()).all(), "the pool's own picture is changed"


def test_the_number_can_be_told_from_the_sheet_in_every_banded_plate() -> None:
    rng = np.random.default_rng(2)
    before = plate()
    ink = (before[..., 0] > (INK + SHEET) / 2).ravel()
    for _ in range(200):
        after = banded(before, BOX, 4.0, rng)
        assert after.shape == before.shape and after.dtype == np.uint8
        assert np.corrcoef(after[..., 0].ravel(), ink)[0, 1] > 0.5
