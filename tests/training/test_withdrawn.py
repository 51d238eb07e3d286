"""Withdrawn army plates: no number of today stands on them, apart from those of the Beijing region."""

from __future__ import annotations

import numpy as np

from edge_lpr.plates import ALPHABET, is_valid_number
from models.training.synthesis import PlateGenerator
from models.training.synthesis.glyphs import WITHDRAWN


def test_their_first_characters_are_on_no_plate_of_today() -> None:
    assert not set(WITHDRAWN) & set(ALPHABET)


def test_they_are_white_plates_whose_number_is_valid_for_beijing_alone(generator: PlateGenerator) -> None:
    rng = np.random.default_rng(1)
    drawn = [generator.withdrawn(rng) for _ in range(60)]
    assert {number[0] for _, number in drawn} >= {"军", "京", "W"}
    for picture, number in drawn:
        assert picture.dtype == np.uint8 and picture.shape[2] == 4
        assert is_valid_number(number) == number.startswith("京")
    assert np.mean([picture[..., :3].mean() for picture, _ in drawn]) > 120
