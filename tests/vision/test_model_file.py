"""Which model files are accepted and which are rejected."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_lpr.errors import ModelError
from edge_lpr.plates import ALPHABET, COLORS
from edge_lpr.vision.interpreter import Interpreter
from edge_lpr.vision.model_file import load_model, load_models

CONTENT = b"the bytes of a model"


def sidecar(task: str) -> dict[str, Any]:
    """Returns a valid sidecar for a model file with CONTENT."""
    shapes: dict[str, list[int]]
    if task == "detector":
        height, width = 384, 640
        shapes = {f"score_{s}": [1, height // s, width // s, 1] for s in (8, 16, 32)}
        shapes |= {f"corners_{s}": [1, height // s, width // s, 8] for s in (8, 16, 32)}
    else:
        height, width = 64, 160
        shapes = {"characters": [1, 2, 40, 1 + len(ALPHABET)], "colors": [1, 1, 1, len(COLORS)], "rows": [1, 2]}
        shapes |= {"legible": [1, 1], "corners": [1, 8]}
    return {
        "name": task,
        "version": "1.0.0",
        "task": task,
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "input": {
            "shape": [1, height, width, 3],
            "dtype": "int8",
            "color_order": "RGB",
            "scale": 1 / 255,
            "zero_point": -128,
        },
        "outputs": {name: {"tensor": f"output_{i}", "shape": shape} for i, (name, shape) in enumerate(shapes.items())},
        "thresholds": {"score": 0.4, "nms_iou": 0.4} if task == "detector" else {},
        "alphabet": ALPHABET,
        "colors": [str(color) for color in COLORS],
        "calibration": {"slope": 1.5, "offset": -0.5},
        "macs": 1000,
        "training": {"commit": "abc", "recipe": "make train"},
    }


def write(folder: Path, task: str, change: Callable[[dict[str, Any]], Any] = lambda card: None) -> Path:
    card = sidecar(task)
    change(card)
    (folder / f"{task}.json").write_text(json.dumps(card), encoding="utf-8")
    (folder / f"{task}.tflite").write_bytes(CONTENT)
    return folder


def rejection(folder: Path, task: Any) -> str:
    with pytest.raises(ModelError) as caught:
        load_model(folder, task)
    text = str(caught.value)
    assert "\n" not in text
    assert str(folder) in text
    return text


def test_a_valid_pair_is_loaded(tmp_path: Path) -> None:
    write(tmp_path, "detector")
    write(tmp_path, "recognizer")
    models = load_models(tmp_path)
    assert models.detector.content == CONTENT
    assert models.detector.sidecar.thresholds["score"] == 0.4
    assert models.recognizer.sidecar.input.shape == (1, 64, 160, 3)
    assert models.recognizer.sidecar.calibration.slope == 1.5
    assert models.recognizer.sidecar.macs == 1000


def test_one_changed_byte_is_detected(tmp_path: Path) -> None:
    write(tmp_path, "detector")
    (tmp_path / "detector.tflite").write_bytes(CONTENT[:-1] + b"L")
    assert "SHA-256" in rejection(tmp_path, "detector")


@pytest.mark.parametrize("suffix", [".tflite", ".json"])
def test_a_missing_file_is_named(tmp_path: Path, suffix: str) -> None:
    write(tmp_path, "detector")
    (tmp_path / f"detector{suffix}").unlink()
    assert f"detector{suffix}: no such model file" in rejection(tmp_path, "detector")


def test_a_folder_in_place_of_a_model_file_is_rejected(tmp_path: Path) -> None:
    write(tmp_path, "detector")
    (tmp_path / "detector.tflite").unlink()
    (tmp_path / "detector.tflite").mkdir()
    assert "cannot be read" in rejection(tmp_path, "detector")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "detector"}'])
def test_a_file_that_is_not_a_sidecar_is_rejected(tmp_path: Path, text: str) -> None:
    write(tmp_path, "detector")
    (tmp_path / "detector.json").write_text(text)
    assert "not a model sidecar" in rejection(tmp_path, "detector")


Change = Callable[[dict[str, Any]], Any]
VIOLATIONS: list[tuple[str, Change, str]] = [
    ("detector", lambda c: c.update(task="recognizer"), "not a detector"),
    ("detector", lambda c: c["input"].update(shape=[1, 384, 640, 1]), "input shape"),
    ("detector", lambda c: c["input"].update(shape=[1, 380, 640, 3]), "multiples of 32"),
    ("detector", lambda c: c["input"].update(dtype="float32"), "input.dtype"),
    ("detector", lambda c: c["input"].update(color_order="BGR"), "input.color_order"),
    ("detector", lambda c: c["input"].update(zero_point=0), "zero point"),
    ("detector", lambda c: c["outputs"].pop("score_16"), "score_16 is missing"),
    ("detector", lambda c: c["outputs"]["corners_8"].update(shape=[1, 48, 80, 4]), "corners_8 has shape"),
    ("recognizer", lambda c: c.update(alphabet=ALPHABET[:-1]), "alphabet"),
    ("recognizer", lambda c: c.update(alphabet=None), "alphabet"),
    ("recognizer", lambda c: c.update(colors=c["colors"][::-1]), "colours"),
    ("recognizer", lambda c: c["outputs"]["characters"].update(shape=[1, 2, 40, 60]), "characters has shape"),
    ("recognizer", lambda c: c["outputs"].pop("rows"), "rows is missing"),
    ("recognizer", lambda c: c.update(reads_parts="no parts"), "reads_parts"),
]


@pytest.mark.parametrize(("task", "change", "words"), VIOLATIONS)
def test_a_sidecar_that_violates_the_contract_is_rejected(
    tmp_path: Path, task: str, change: Change, words: str
) -> None:
    write(tmp_path, task, change)
    assert words in rejection(tmp_path, task)


def test_a_file_that_is_not_a_tflite_model_is_rejected(tmp_path: Path) -> None:
    model = load_model(write(tmp_path, "detector"), "detector")
    with pytest.raises(ModelError, match="cannot load it") as caught:
        Interpreter(model, 1)
    assert "\n" not in str(caught.value)


def test_a_model_with_the_sidecar_of_another_shape_is_rejected(tmp_path: Path, models_dir: Path) -> None:
    content = (models_dir / "recognizer.tflite").read_bytes()
    card = json.loads((models_dir / "detector.json").read_text(encoding="utf-8"))
    card["sha256"] = hashlib.sha256(content).hexdigest()
    (tmp_path / "detector.json").write_text(json.dumps(card), encoding="utf-8")
    (tmp_path / "detector.tflite").write_bytes(content)
    with pytest.raises(ModelError, match="but its sidecar says"):
        Interpreter(load_model(tmp_path, "detector"), 1)
