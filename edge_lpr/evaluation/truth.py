"""Labelled photos with the plates that should be read in them: the input of ``edge-lpr evaluate``.

They are given in one of three forms:

* a truth file SET.json beside its folder SET of pictures. A *scene* set maps a file name to ``{"plates": [{"number",
  "color", "rows", "quad", "split"}], ...}``, a *crop* set maps it to ``{"number", "color", "rows", "split"}``;
* a folder that holds such files, also in ``scenes`` and ``crops`` below it;
* a folder of photos named by their number: 京A12345.jpg, 京A12345_evening.jpg.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_lpr.errors import InputError
from edge_lpr.geometry import Quad
from edge_lpr.plates import is_valid_number

SPLITS = ("train", "val", "all")

_PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


@dataclass(frozen=True, slots=True)
class TruePlate:
    """One labelled plate. ``number``, ``color`` and ``quad`` are None if they are not labelled."""

    number: str | None
    color: str | None
    quad: Quad | None


@dataclass(frozen=True, slots=True)
class TruePhoto:
    """One labelled picture. With ``crop`` the picture is the crop of one plate."""

    dataset: str
    path: Path
    crop: bool
    plates: tuple[TruePlate, ...]


def load_truth(paths: Sequence[Path], split: str) -> list[TruePhoto]:
    """Returns the labelled pictures of ``split`` ("train", "val" or "all") in ``paths``, always in the same order.

    Photos that are named by their number have no split and are always included. Raises InputError for a path without
    labels.
    """
    if split not in SPLITS:
        raise InputError(f"split {split!r}: is not one of {', '.join(SPLITS)}")
    photos = [photo for path in paths for photo in _load_path(path, split)]
    if not photos:
        raise InputError(f"no labelled photo of split {split!r} in {', '.join(map(str, paths))}; try --split all")
    return photos


def _load_path(path: Path, split: str) -> list[TruePhoto]:
    if path.is_file():
        return list(_load_set(path, split))
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; name a truth file or a folder of labelled photos")
    beside = path.with_name(path.name + ".json")
    if beside.is_file():
        return list(_load_set(beside, split))
    files = sorted(file for folder in (path, path / "scenes", path / "crops") for file in folder.glob("*.json"))
    sets = [file for file in files if file.with_suffix("").is_dir()]
    if sets:
        return [photo for file in sets for photo in _load_set(file, split)]
    return _named_photos(path)


def _named_photos(folder: Path) -> list[TruePhoto]:
    photos = []
    for path in sorted(folder.iterdir()):
        number = path.stem.partition("_")[0].upper()
        if path.suffix.lower() in _PHOTO_SUFFIXES and is_valid_number(number):
            photos.append(TruePhoto(folder.name, path, False, (TruePlate(number, None, None),)))
    if not photos:
        raise InputError(
            f"{folder}: contains neither truth files (SET.json beside a folder SET) nor photos named by their number "
            "(京A12345.jpg, 京A12345_evening.jpg)"
        )
    return photos


def _load_set(truth: Path, split: str) -> Iterator[TruePhoto]:
    """Yields the pictures of one truth file."""
    try:
        entries = json.loads(truth.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{truth}: cannot be read as JSON ({error})") from error
    if not isinstance(entries, dict):
        raise InputError(f"{truth}: must map each file name to its labels")
    folder = truth.with_suffix("")
    dataset = f"{truth.parent.name}/{truth.stem}"
    for name, entry in sorted(entries.items()):
        try:
            crop = "plates" not in entry
            labels = [entry] if crop else entry["plates"]
            # All plates of one photo belong to the same split.
            if split != "all" and not any(label["split"] == split for label in labels):
                continue
            yield TruePhoto(dataset, folder / name, crop, tuple(_plate(label) for label in labels))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{truth}: the labels of {name} cannot be read ({error!r})") from error


def _plate(label: dict[str, Any]) -> TruePlate:
    corners = label.get("quad")
    quad = None if corners is None else Quad.from_array(np.array(corners, dtype=np.float64).reshape(4, 2))
    return TruePlate(label["number"], label["color"], quad)
