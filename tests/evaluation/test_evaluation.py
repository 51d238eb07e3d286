"""Evaluation: matching of readings and plates, counting, and the contact sheet of misses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import InputError
from edge_lpr.evaluation import accuracy as evaluation
from edge_lpr.evaluation.accuracy import EvaluationOutcome, EvaluationResult, match, quad_iou, wilson_interval
from edge_lpr.evaluation.contact_sheet import Tile, write_contact_sheet
from edge_lpr.evaluation.truth import TruePlate
from edge_lpr.geometry import Quad, Rect
from edge_lpr.plates import ALPHABET, COLORS, Category, Color
from edge_lpr.readings import PlateReading
from edge_lpr.vision.reader import PlateReader


def box(x: float, y: float, width: float = 60, height: float = 20) -> Quad:
    return Quad((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def reading(number: str, quad: Quad, confidence: int = 95) -> PlateReading:
    return PlateReading(
        number=number,
        confidence=confidence,
        color=Color.BLUE,
        category=Category.STANDARD,
        rows=1,
        quad=quad,
        rect=Rect(0, 0, 1, 1),
        detection_score=0.9,
        character_probabilities=np.zeros((len(number), len(ALPHABET)), dtype=np.float32),
        color_probabilities=np.zeros(len(COLORS), dtype=np.float32),
    )


def outcome(
    number: str | None, read: str | None, dataset: str = "scenes/gate", confidence: int = 95
) -> EvaluationOutcome:
    shown = None if read is None else confidence
    return EvaluationOutcome(dataset, "a.jpg", number, "蓝", None, read, None if read is None else "蓝", shown)


def test_overlap_of_quads() -> None:
    assert quad_iou(box(0, 0), box(0, 0)) == pytest.approx(1)
    assert quad_iou(box(0, 0), box(30, 0)) == pytest.approx(1 / 3)
    assert quad_iou(box(0, 0), box(100, 0)) == 0


def test_a_reading_belongs_to_the_plate_with_the_largest_overlap() -> None:
    plates = [TruePlate("京A11111", "蓝", box(0, 0)), TruePlate("京A22222", "蓝", box(40, 0))]
    near_both, on_second, elsewhere = (reading("X", box(x, 0)) for x in (15, 41, 300))
    assert match(plates, [near_both, elsewhere, on_second]) == [near_both, on_second]
    assert match(plates, [elsewhere]) == [None, None]
    assert match(plates, [on_second]) == [None, on_second]


def test_a_plate_without_a_quad_gets_its_number_or_the_best_reading() -> None:
    plate = TruePlate("京A11111", None, None)
    best, right = reading("京A22222", box(0, 0)), reading("京A11111", box(90, 0))
    assert match([plate], [best, right]) == [right]
    assert match([plate], [best]) == [best]
    assert match([plate], []) == [None]


def test_wilson_interval() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    assert wilson_interval(95, 100) == pytest.approx((0.888, 0.978), abs=1e-3)
    assert wilson_interval(10, 10)[1] == pytest.approx(1)


def test_counting() -> None:
    result = EvaluationResult(
        "val",
        5,
        (
            outcome("京A12345", "京A12345"),
            outcome("京A12345", "津A12345", confidence=90),
            outcome("京A12345", "京A12346", confidence=40),
            outcome("京A12345", None),
            outcome(None, "京A12345"),
            outcome("粤BD12345", "粤BD12345", dataset="crops/cut"),
        ),
        extra_readings=0,
    )
    crops, scenes = result.tallies()["together"]
    assert (scenes.name, scenes.plates, scenes.exact) == ("scenes", 4, 1)
    assert (scenes.wrong_province, scenes.wrong_confident, scenes.undetected) == (1, 1, 1)
    assert (scenes.colored, scenes.color_right) == (3, 3)
    assert (crops.name, crops.plates, crops.exact) == ("crops", 1, 1)
    assert [tally.name for tally in result.tallies()["province"]] == ["京", "粤"]
    assert len(result.misses()) == 3
    assert json.loads(json.dumps(result.to_json()))["tables"]["set"][1]["plates"] == 4


def test_a_contact_sheet_is_a_png(tmp_path: Path) -> None:
    tile = Tile(np.full((64, 160, 3), 90, dtype=np.uint8), "京A12345", "津A12345 40", "照片.jpg")
    write_contact_sheet(tmp_path / "sheet.png", [tile] * 8)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"
        assert sheet.convert("RGB").getpixel((20, 20)) == (90, 90, 90)
    write_contact_sheet(tmp_path / "empty.png", [])
    with pytest.raises(InputError, match="cannot be written"):
        write_contact_sheet(tmp_path / "missing" / "sheet.png", [tile])


def test_a_whole_run(shared_data: Path, models_dir: Path, tmp_path: Path) -> None:
    reader = PlateReader.open(ReaderSettings(models_dir=models_dir, min_plate_width=8))
    console = Console(file=io.StringIO(), width=160)
    paths = [shared_data / "scenes" / "roadside.json", shared_data / "crops" / "nev"]
    result = evaluation.evaluate_photos(paths, reader, "val", tmp_path / "misses.png", console)
    evaluation.print_result(result, console)
    assert {tally.name: tally.plates for tally in result.tallies()["set"]} == {"crops/nev": 26, "scenes/roadside": 4}
    assert (tmp_path / "misses.png").stat().st_size > 0
    assert isinstance(console.file, io.StringIO)
    assert "crops/nev" in console.file.getvalue()
