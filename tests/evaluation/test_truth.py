"""Labelled photos in each accepted form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge_lpr.errors import InputError
from edge_lpr.evaluation.truth import load_truth

SCENES = {
    "a.jpg": {
        "width": 100,
        "height": 80,
        "plates": [
            {
                "number": "京A12345",
                "color": "蓝",
                "rows": 1,
                "quad": [[1, 2], [31, 2], [31, 12], [1, 12]],
                "split": "val",
            },
            {"number": None, "color": None, "rows": 1, "quad": [[50, 2], [80, 2], [80, 12], [50, 12]], "split": "val"},
        ],
    },
    "b.jpg": {"plates": [{"number": "沪B12345", "color": "黄", "rows": 1, "quad": None, "split": "train"}]},
}
CROPS = {"c.png": {"number": "苏E12345", "color": "蓝", "rows": 1, "split": "val"}}


def write_set(root: Path, name: str, entries: dict[str, Any]) -> Path:
    (root / name).mkdir(parents=True)
    truth = root / f"{name}.json"
    truth.write_text(json.dumps(entries), encoding="utf-8")
    return truth


def test_a_truth_file_its_folder_and_the_root_give_the_same_photos(tmp_path: Path) -> None:
    truth = write_set(tmp_path / "scenes", "gate", SCENES)
    write_set(tmp_path / "crops", "cut", CROPS)
    by_file, by_folder = load_truth([truth], "val"), load_truth([tmp_path / "scenes" / "gate"], "val")
    assert by_file == by_folder
    assert {photo.path.name: photo.crop for photo in load_truth([tmp_path], "val")} == {"a.jpg": False, "c.png": True}


def test_labels_are_read(tmp_path: Path) -> None:
    (photo,) = load_truth([write_set(tmp_path / "scenes", "gate", SCENES)], "val")
    assert photo.dataset == "scenes/gate"
    assert [plate.number for plate in photo.plates] == ["京A12345", None]
    assert photo.plates[0].quad is not None
    assert photo.plates[0].quad.top_right == (31, 2)


def test_splits(tmp_path: Path) -> None:
    truth = write_set(tmp_path, "gate", SCENES)
    assert [photo.path.name for photo in load_truth([truth], "train")] == ["b.jpg"]
    assert len(load_truth([truth], "all")) == 2
    with pytest.raises(InputError, match="split 'test'"):
        load_truth([truth], "test")


def test_photos_named_by_their_number(tmp_path: Path) -> None:
    for name in ("京A12345.jpg", "京ad12345_evening.PNG", "holiday.jpg", "京A12345.txt"):
        (tmp_path / name).write_bytes(b"")
    photos = load_truth([tmp_path], "val")
    assert {photo.plates[0].number for photo in photos} == {"京A12345", "京AD12345"}
    assert not any(photo.crop for photo in photos)


def test_a_path_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        load_truth([tmp_path / "missing"], "val")
    with pytest.raises(InputError, match="named by their number"):
        load_truth([tmp_path], "val")
    for text in ("{", "[1]", '{"a.jpg": {}}', '{"a.jpg": 3}', '{"a.jpg": {"plates": [{"split": "val"}]}}'):
        broken = tmp_path / "broken.json"
        broken.write_text(text)
        with pytest.raises(InputError, match=r"broken\.json"):
            load_truth([broken], "val")


def test_an_empty_split_is_refused(tmp_path: Path) -> None:
    truth = write_set(tmp_path, "cut", CROPS)
    with pytest.raises(InputError, match="--split all"):
        load_truth([truth], "train")
