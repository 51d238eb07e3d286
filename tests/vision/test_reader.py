"""The reader with the shipped models: real photos in, readings out."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import ModelError
from edge_lpr.evaluation.accuracy import quad_iou
from edge_lpr.geometry import Quad
from edge_lpr.images import load_image
from edge_lpr.plates import ALPHABET, COLORS, is_valid_number
from edge_lpr.vision.interpreter import Interpreter, runtime_name
from edge_lpr.vision.model_file import load_models
from edge_lpr.vision.reader import PlateReader
from edge_lpr.vision.recognizer import Recognizer
from edge_lpr.vision.straighten import full_image_quad, to_image_points
from edge_lpr.vision.test_time_augmentation import read_plate

ANY_WIDTH = 8


@pytest.fixture(scope="module")
def reader(models_dir: Path) -> PlateReader:
    return PlateReader.open(ReaderSettings(models_dir=models_dir, min_plate_width=ANY_WIDTH))


@pytest.fixture(scope="module")
def toll(shared_data: Path) -> list[tuple[Path, str, Quad]]:
    """Returns photo, number and quad of twelve toll-lane photos that were not used in training."""
    labels = json.loads((shared_data / "scenes" / "toll.json").read_text(encoding="utf-8"))
    found = []
    for name, entry in sorted(labels.items()):
        plate = entry["plates"][0]
        if plate["split"] == "val":
            quad = Quad.from_array(np.array(plate["quad"], dtype=np.float64))
            found.append((shared_data / "scenes" / "toll" / name, plate["number"], quad))
    return found[:12]


def test_real_photos_are_read(reader: PlateReader, toll: list[tuple[Path, str, Quad]]) -> None:
    right = 0
    for path, number, quad in toll:
        image = load_image(path)
        readings = reader.read(image)
        assert [r.confidence for r in readings] == sorted((r.confidence for r in readings), reverse=True)
        for reading in readings:
            assert 0 <= reading.confidence <= 100
            assert reading.rows in (1, 2)
            assert reading.character_probabilities.shape == (len(reading.number), len(ALPHABET))
            assert reading.character_probabilities.sum(axis=1) == pytest.approx(np.ones(len(reading.number)), abs=1e-3)
            assert reading.color_probabilities.shape == (len(COLORS),)
            assert reading.rect.x + reading.rect.width <= image.shape[1]
            assert reading.rect.y + reading.rect.height <= image.shape[0]
        right += any(r.number == number and quad_iou(r.quad, quad) > 0.5 for r in readings)
    assert right >= len(toll) - 2


def test_crops_are_read(reader: PlateReader, shared_data: Path) -> None:
    labels = json.loads((shared_data / "crops" / "toll.json").read_text(encoding="utf-8"))
    chosen = [(name, label) for name, label in sorted(labels.items()) if label["split"] == "val"][:40]
    read = [reader.read_crop(load_image(shared_data / "crops" / "toll" / name)) for name, _ in chosen]
    right = sum(r is not None and r.number == label["number"] for r, (_, label) in zip(read, chosen, strict=True))
    assert right >= 34


@pytest.mark.parametrize("size", [(720, 1280, 3), (1, 1, 3), (2000, 40, 3), (40, 2000, 3)])
def test_pictures_without_a_plate(reader: PlateReader, size: tuple[int, int, int]) -> None:
    for value in (0, 114, 255):
        image = np.full(size, value, dtype=np.uint8)
        assert reader.read(image) == []
        assert reader.read_crop(image) is None


def test_noise_gives_no_confident_reading(reader: PlateReader) -> None:
    rng = np.random.default_rng(11)
    for _ in range(5):
        noise = rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)
        assert all(reading.confidence < 50 for reading in reader.read(noise))


def test_narrow_plates_are_skipped(models_dir: Path, toll: list[tuple[Path, str, Quad]]) -> None:
    strict = PlateReader.open(ReaderSettings(models_dir=models_dir, min_plate_width=4000))
    image = load_image(toll[0][0])
    assert strict.read(image) == []


def test_an_array_that_is_not_a_picture_is_a_value_error(reader: PlateReader) -> None:
    with pytest.raises(ValueError, match="uint8"):
        reader.read(np.zeros((10, 10), dtype=np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        reader.read_crop(np.zeros((10, 0, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        reader.read_at(np.zeros((10, 10), dtype=np.uint8), Quad((0, 0), (9, 0), (9, 9), (0, 9)))


def test_the_observer_receives_each_stage(reader: PlateReader, toll: list[tuple[Path, str, Quad]]) -> None:
    stages: list[str] = []
    reader.read(load_image(toll[0][0]), lambda stage, seconds: stages.append(stage))
    assert stages[:5] == ["detect", "refine", "straighten", "recognise", "decode"]


def test_a_clear_plate_takes_one_recognition_and_an_unclear_one_more_passes(
    reader: PlateReader, toll: list[tuple[Path, str, Quad]], shared_data: Path
) -> None:
    assert [count_recognitions(reader, load_image(path), quad) for path, _, quad in toll[:4]] == [1] * 4
    labels = json.loads((shared_data / "crops" / "nev.json").read_text(encoding="utf-8"))
    small = [
        load_image(shared_data / "crops" / "nev" / name) for name, label in labels.items() if label["split"] == "val"
    ]
    counts = set()
    for image in small:
        for scale in (1.0, 0.8, 0.6, 0.5):
            shown = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
            counts.add(count_recognitions(reader, shown, full_image_quad(shown)))
    assert {1, 12} <= counts  # certain after the first pass; not sufficient before the last pass
    assert counts & {3, 6}  # sufficient after the crops, or after the first extra pass
    assert counts <= {1, 3, 6, 9, 12}  # a cropped plate has no surroundings, so its corners are not refined


@pytest.mark.parametrize(("left", "right_edge"), [(0.25, 1.0), (0.0, 0.86)])
def test_a_quad_that_cuts_off_one_end_is_refined_to_the_whole_plate(
    models_dir: Path, toll: list[tuple[Path, str, Quad]], left: float, right_edge: float
) -> None:
    recognizer = Recognizer(load_models(models_dir).recognizer)
    visible = np.array([(left, 0), (right_edge, 0), (right_edge, 1), (left, 1)], dtype=np.float32)
    right = 0
    for path, number, quad in toll:
        framed = Quad.from_array(to_image_points(visible, quad, (0.0, 0.0)))
        hypothesis = read_plate(recognizer, load_image(path), framed)
        right += (
            hypothesis is not None and hypothesis.decoded.number == number and quad_iou(hypothesis.quad, quad) > 0.7
        )
    assert right >= len(toll) - 2


def test_a_recognizer_that_was_not_trained_on_crops_gets_none(
    models_dir: Path, toll: list[tuple[Path, str, Quad]]
) -> None:
    models = load_models(models_dir)
    older = replace(models.recognizer, sidecar=replace(models.recognizer.sidecar, reads_parts=False))
    reader = PlateReader(replace(models, recognizer=older), ReaderSettings())
    path, _, quad = toll[0]
    image = load_image(path)
    height, width = image.shape[:2]
    for scale in np.geomspace(0.6, 0.15, 12):
        small = np.asarray(cv2.resize(image, (int(width * scale), int(height * scale))), np.uint8)
        assert count_recognitions(reader, small, Quad.from_array(quad.to_array() * np.float32(scale))) == 1


def test_an_uncertain_number_needs_a_sure_detection(reader: PlateReader, toll: list[tuple[Path, str, Quad]]) -> None:
    path, number, quad = toll[0]
    image = load_image(path)
    for score in (0.5, 1.0):
        reading = reader.read_at(image, quad, score=score)
        assert reading is not None and reading.number == number
    kept = []
    for path, _, quad in toll[:8]:
        image = load_image(path)
        height, width = image.shape[:2]
        for scale in np.geomspace(0.25, 0.08, 12):
            small = np.asarray(cv2.resize(image, (int(width * scale), int(height * scale))), np.uint8)
            there = Quad.from_array(quad.to_array() * np.float32(scale))
            kept.append(tuple(reader.read_at(small, there, score=score) is not None for score in (0.5, 1.0)))
    assert (False, True) in kept  # uncertain numbers: only with a sure detection
    assert (True, False) not in kept


def count_recognitions(reader: PlateReader, image: NDArray[np.uint8], quad: Quad) -> int:
    stages: list[str] = []
    reader.read_at(image, quad, lambda stage, seconds: stages.append(stage))
    return stages.count("recognise")


def test_several_threads_share_one_reader(reader: PlateReader, toll: list[tuple[Path, str, Quad]]) -> None:
    images = [load_image(path) for path, _, _ in toll[:4]]
    alone = [[reading.number for reading in reader.read(image)] for image in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(reader.read, images * 3))
    assert [[reading.number for reading in readings] for readings in together] == alone * 3


def test_confident_readings_are_valid_numbers(reader: PlateReader, toll: list[tuple[Path, str, Quad]]) -> None:
    for path, _, _ in toll:
        for reading in reader.read(load_image(path)):
            assert is_valid_number(reading.number) or reading.confidence <= 20


def test_a_missing_models_folder_gives_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such model file") as caught:
        PlateReader.open(ReaderSettings(models_dir=tmp_path))
    assert "\n" not in str(caught.value)


def test_the_runtime_writes_nothing_to_stderr(models_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Interpreter(load_models(models_dir).recognizer, 1)
    assert capfd.readouterr().err == ""
    assert runtime_name() in ("ai_edge_litert", "tflite_runtime")


def test_an_input_of_the_wrong_shape_is_a_value_error(models_dir: Path) -> None:
    interpreter = Interpreter(load_models(models_dir).recognizer, 1)
    with pytest.raises(ValueError, match="uint8 of shape"):
        interpreter.run(np.zeros((64, 100, 3), dtype=np.uint8))
