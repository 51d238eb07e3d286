"""The development data as plain records: labelled scenes, plate crops, negatives.

The data lies outside the repository (``../shared/data`` or ``$EDGE_LPR_DATA``) and never enters it. Splits are those of
the data: they go by plate number, so a number is never in both.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Image

SCENE_SETS = ("ccpd_named", "ccpd_varied", "provinces", "toll", "roadside")
TRAINING_CROP_SETS = ("easypr", "toll")  # "nev" states no licence: for checking only


@dataclass(frozen=True, slots=True)
class LabelledPlate:
    """One plate of a scene; ``quad`` is (4, 2) in pixels, ``number`` and ``color`` are None where not trusted."""

    quad: NDArray[np.float32]
    number: str | None
    color: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One photo with its plates; ``ignore`` holds x, y, w, h boxes of unlabelled plates."""

    path: Path
    set_name: str
    plates: tuple[LabelledPlate, ...]
    ignore: tuple[tuple[float, float, float, float], ...]
    overlay: tuple[float, float, float, float] | None

    def load(self) -> Image:
        """The photo, BGR, with the toll camera's red marker painted out so that no network learns it."""
        image = read_image(self.path)
        return image if self.overlay is None else _without_red(image, self.overlay)


@dataclass(frozen=True, slots=True)
class Crop:
    """One picture of a plate already cut out."""

    path: Path
    set_name: str
    number: str
    color: str | None
    rows: int

    def load(self) -> Image:
        """The crop, BGR."""
        return read_image(self.path)


def data_root() -> Path:
    """The folder of the development data; FileNotFoundError names the remedy."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    root = Path(os.environ.get("EDGE_LPR_DATA", default))
    if not (root / "scenes").is_dir():
        raise FileNotFoundError(f"no development data at {root}: set EDGE_LPR_DATA to the folder that holds scenes/")
    return root


def scenes(split: str, root: Path | None = None, sets: tuple[str, ...] = SCENE_SETS) -> list[Scene]:
    """All photos of ``split`` ("train" or "val") in ``sets``."""
    return [scene for name in sets for scene in _scenes_of(name, split, root or data_root())]


def crops(split: str, root: Path | None = None, sets: tuple[str, ...] = TRAINING_CROP_SETS) -> list[Crop]:
    """All crops of ``split``."""
    root = root or data_root()
    found: list[Crop] = []
    for name in sets:
        labels = json.loads((root / "crops" / f"{name}.json").read_text("utf-8"))
        found += [
            Crop(root / "crops" / name / file, name, entry["number"], entry["color"], entry["rows"])
            for file, entry in labels.items()
            if entry["split"] == split
        ]
    return found


def negatives(root: Path | None = None) -> list[Path]:
    """Patches without a plate."""
    return sorted(p for p in ((root or data_root()) / "negatives").rglob("*") if p.suffix in {".jpg", ".png"})


def read_image(path: Path) -> Image:
    """BGR picture; ValueError where OpenCV cannot read it."""
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"cannot read {path}")
    return np.asarray(image, np.uint8)


def _scenes_of(name: str, split: str, root: Path) -> Iterator[Scene]:
    labels = json.loads((root / "scenes" / f"{name}.json").read_text("utf-8"))
    for file, entry in labels.items():
        plates = entry["plates"]
        if plates and plates[0]["split"] != split:
            continue
        yield Scene(
            root / "scenes" / name / file,
            name,
            tuple(LabelledPlate(np.array(p["quad"], np.float32), p["number"], p["color"], p["rows"]) for p in plates),
            tuple(tuple(box) for box in entry["ignore"]),
            tuple(entry["overlay"]) if "overlay" in entry else None,
        )


def _without_red(image: Image, overlay: tuple[float, float, float, float]) -> Image:
    x, y, w, h = (round(v) for v in overlay)
    top, left = max(0, y - 4), max(0, x - 4)
    region = image[top : y + h + 4, left : x + w + 4]
    blue, green, red = (region[..., i].astype(np.int16) for i in range(3))
    marker = ((red > 130) & (red - green > 70) & (red - blue > 70)).astype(np.uint8) * 255
    grown = cv2.dilate(marker, np.ones((5, 5), np.uint8))
    image[top : y + h + 4, left : x + w + 4] = cv2.inpaint(region, grown, 3, cv2.INPAINT_TELEA)
    return image
