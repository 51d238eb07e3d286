"""The rendered test set and the pictures without plates: legible, labelled, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_lpr.errors import InputError
from edge_lpr.evaluation.truth import load_truth
from edge_lpr.plates import PROVINCES, is_valid_number
from models.training.test_sets import legibility, negatives, rendered_set
from models.training.test_sets.conditions import CONDITIONS, size_of
from tests.support.needs import absent

KINDS = ("blue", "yellow_double", "wj", "painted_double", "temporary")


@pytest.fixture(scope="module", autouse=True)
def data_and_fonts(shared_data: Path) -> None:
    try:
        rendered_set.draw("blue", 0, np.random.default_rng(0))
    except InputError as error:
        if "fonts" not in str(error):
            raise
        absent(f"a font ({error})")


@pytest.mark.parametrize("kind", KINDS)
def test_every_condition_of_a_kind_is_legible(kind: str) -> None:
    rng = np.random.default_rng(11)
    for index, condition in enumerate(CONDITIONS):
        scene = rendered_set.draw(kind, index, rng)
        height, width = scene.image.shape[:2]
        assert scene.condition == condition
        assert width <= rendered_set.SCENE_WIDTH + 1 and height <= rendered_set.SCENE_HEIGHT + 1
        assert is_valid_number(scene.plate.number)
        assert (scene.corners >= 0).all() and (scene.corners <= (width, height)).all()
        least = legibility.TWO_ROW_WIDTH if scene.plate.rows == 2 else legibility.ONE_ROW_WIDTH
        assert size_of(scene.corners)[0] >= 0.98 * least
        assert legibility.character_height(scene.plate, scene.corners) >= 0.98 * legibility.CHARACTER_HEIGHT
        assert legibility.character_width(scene.plate, scene.corners) >= 0.98 * legibility.CHARACTER_WIDTH


def test_each_province_is_drawn_in_turn() -> None:
    rng = np.random.default_rng(1)
    numbers = [rendered_set.number_of("blue", index, rng) for index in range(2 * len(PROVINCES))]
    assert "".join(number[0] for number in numbers) == 2 * PROVINCES


def test_its_folder_is_read_like_the_development_data(tmp_path: Path) -> None:
    for out in (tmp_path / "one", tmp_path / "two"):
        rendered_set.build(out, 2, ("moped",), processes=1)
    scene, *_ = load_truth([tmp_path / "one" / "scenes"], "val")
    crops = load_truth([tmp_path / "one" / "crops"], "val")
    assert len(crops) == 2 and scene.plates[0].quad is not None and scene.plates[0].number is not None
    for file in sorted((tmp_path / "one").rglob("*.jpg")):
        assert file.read_bytes() == (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes()


def test_another_seed_and_grounds_of_the_cars_colour_are_other_sets(tmp_path: Path) -> None:
    choices = {"test": (rendered_set.SEED, 0.0), "seed": (7, 0.0), "seamless": (rendered_set.SEED, 1.0)}
    pictures, recipes = set(), set()
    for name, (seed, seamless) in choices.items():
        rendered_set.build(tmp_path / name, 1, ("painted",), 1, seed, seamless)
        pictures.add((tmp_path / name / "scenes" / "painted" / "painted_00000.jpg").read_bytes())
        recipes.add(rendered_set.made_by(tmp_path / name)["painted"])
    assert len(pictures) == len(recipes) == 3
    assert rendered_set.made_by(tmp_path / "test")["painted"].code == rendered_set.code_sum()


def test_an_interrupted_set_is_not_taken_for_a_complete_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered_set.build(tmp_path, 1, ("blue", "wj"), processes=1)
    monkeypatch.setattr(rendered_set, "track", stop)
    with pytest.raises(KeyboardInterrupt):
        rendered_set.build(tmp_path, 1, ("blue",), processes=1)
    assert set(rendered_set.made_by(tmp_path)) == {"wj"}
    assert [labels.stem for labels in (tmp_path / "scenes").glob("*.json")] == ["wj"]


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_pictures_without_plates_depend_on_the_seed_only() -> None:
    first, second, other = (list(negatives.scenes(2, seed)) for seed in (1, 1, 2))
    assert all(not np.array_equal(a.image, b.image) for a, b in zip(first, other, strict=True))
    assert [one.source for one in first] == [source for source in negatives.SCENE_SOURCES for _ in range(2)]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))
