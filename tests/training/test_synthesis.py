"""The plate generator: every kind is drawn with a number, a size and a colour of its kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_lpr import plates
from edge_lpr.errors import InputError
from edge_lpr.plates import PROVINCES, Category, Color
from models.training.synthesis import KINDS, NumberSettings, PlateGenerator
from models.training.synthesis.numbers import NUMBER_KINDS

EXPECTED = {
    "blue": (Color.BLUE, 1, 440 / 140),
    "yellow": (Color.YELLOW, 1, 440 / 140),
    "yellow_double": (Color.YELLOW, 2, 2.0),
    "trailer": (Color.YELLOW, 2, 2.0),
    "police": (Color.WHITE, 1, 440 / 140),
    "embassy": (Color.BLACK, 1, 440 / 140),
    "motorcycle": (Color.YELLOW, 2, 220 / 140),
    "moped": (Color.BLUE, 2, 220 / 140),
    "low_speed": (Color.YELLOW, 2, 300 / 165),
    "tractor": (Color.GREEN, 2, 300 / 165),
    "nev_small": (Color.GREEN, 1, 480 / 140),
    "nev_large": (Color.YELLOW_GREEN, 1, 480 / 140),
    "army_double": (Color.WHITE, 2, 2.0),
    "black": (Color.BLACK, 1, 440 / 140),
    "wj_letter": (Color.WHITE, 1, 440 / 140),
    "wj_letter_double": (Color.WHITE, 2, 2.0),
    "airport": (Color.GREEN, 1, 440 / 140),
    "temporary": (Color.TEMPORARY, 1, 220 / 140),
}


def test_every_kind_has_a_grammar() -> None:
    assert set(KINDS) == set(NUMBER_KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_are_valid(generator: PlateGenerator, kind: str) -> None:
    rng = np.random.default_rng(7)
    numbers = {generator.numbers.sample(kind, rng) for _ in range(200)}
    assert len(numbers) > 100
    assert [number for number in numbers if not plates.is_valid_number(number)] == []
    assert set().union(*numbers) <= set(plates.ALPHABET)


@pytest.mark.parametrize("kind", KINDS)
def test_render_fills_the_picture(generator: PlateGenerator, kind: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(4):
        plate = generator.render(kind, rng)
        height, width = plate.image.shape[:2]
        assert plate.image.dtype == np.uint8 and plate.image.shape[2] == 3
        assert plate.mask is None or plate.mask.shape == (height, width)
        assert len(plate.boxes) == len(plate.number)
        assert all(-2 <= x0 < x1 <= width + 2 and -2 <= y0 < y1 <= height + 2 for x0, y0, x1, y1 in plate.boxes)
        assert plate.rows == (2 if len({round(box[1] / height * 2.2) for box in plate.boxes}) > 1 else 1) or (
            kind in ("emergency", "wj", "wj_old")  # with small characters beside large ones
        )


@pytest.mark.parametrize("kind", EXPECTED)
def test_colour_rows_and_aspect(generator: PlateGenerator, kind: str) -> None:
    color, rows, aspect = EXPECTED[kind]
    plate = generator.render(kind, np.random.default_rng(1))
    height, width = plate.image.shape[:2]
    assert (plate.color, plate.rows) == (color, rows)
    assert width / height == pytest.approx(aspect, rel=0.01)


def test_grounds_have_their_colours(generator: PlateGenerator) -> None:
    def mean(kind: str) -> np.ndarray:
        rng = np.random.default_rng(5)
        means = [generator.render(kind, rng).image.reshape(-1, 3).mean(axis=0) for _ in range(20)]
        return np.asarray(np.mean(means, axis=0))

    blue, green, red = mean("blue")
    assert blue > green > red
    blue, green, red = mean("yellow")
    assert red > green > blue
    blue, green, red = mean("nev_small")
    assert green > red and green > blue
    assert mean("embassy").max() < 120 < mean("police").min()


def test_police_suffix_is_red_and_the_rest_is_not(generator: PlateGenerator) -> None:
    rng = np.random.default_rng(2)
    redness = np.zeros(7)
    for _ in range(20):
        plate = generator.render("police", rng)
        for place, (x0, y0, x1, y1) in enumerate(plate.boxes):
            patch = plate.image[int(y0) : int(y1), int(x0) : int(x1)].astype(float)
            redness[place] += (patch[..., 2] - patch[..., :2].mean(axis=-1)).mean()
    assert redness[6] > 5 * np.abs(redness[:6]).max()


def test_given_number_and_same_seed(generator: PlateGenerator) -> None:
    one = generator.render("blue", np.random.default_rng(9), "京A12345")
    two = generator.render("blue", np.random.default_rng(9), "京A12345")
    assert one.number == "京A12345" and np.array_equal(one.image, two.image)


def test_category(generator: PlateGenerator) -> None:
    rng = np.random.default_rng(4)
    assert generator.render("painted", rng).category is Category.PAINTED
    assert generator.render("temporary", rng).category is Category.TEMPORARY


def test_province_weights(shared_data: Path, generator: PlateGenerator, tmp_path: Path) -> None:
    atlas = tmp_path / "atlas.npz"
    generator.glyphs.save(atlas)
    only = NumberSettings(province_weights={name: 0.0 for name in PROVINCES if name != "藏"})
    weighted = PlateGenerator(shared_data, atlas=atlas, numbers=only)
    rng = np.random.default_rng(6)
    assert {weighted.numbers.sample("blue", rng)[0] for _ in range(30)} == {"藏"}
    seed = 8
    ours = generator.render("emergency", np.random.default_rng(seed), "京X1234应急")
    theirs = weighted.render("emergency", np.random.default_rng(seed), "京X1234应急")
    assert np.array_equal(ours.image, theirs.image)


def test_an_unknown_kind_is_rejected(generator: PlateGenerator) -> None:
    with pytest.raises(InputError, match="no such kind"):
        generator.render("bicycle", np.random.default_rng(0))


def test_missing_data_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="data_dir"):
        PlateGenerator(tmp_path)
