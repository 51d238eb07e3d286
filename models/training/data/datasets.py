"""The development data as plain records: labelled photos (scenes), plate crops, patches without a plate.

The data lies outside the repository, in ``../shared/data`` or ``$EDGE_LPR_DATA``, and must not enter it. Splits are
those of the data. They go by plate number, so that no number is in both splits.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.training.arrays import Corners, Image
from models.training.geometry import Box

SCENE_SETS = ("ccpd_named", "ccpd_varied", "provinces", "toll", "roadside")
TRAINING_CROP_SETS = ("easypr", "toll")  # "nev" states no licence: for checking only


@dataclass(frozen=True, slots=True)
class LabelledPlate:
    """One plate of a scene; ``number`` and ``color`` are None where the label is not trusted."""

    quad: Corners
    number: str | None
    color: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Scene:
    """One photo with its plates; ``ignore`` are boxes of unlabelled plates, ``overlay`` is that of a red marker."""

    path: Path
    set_name: str
    plates: tuple[LabelledPlate, ...]
    ignore: tuple[Box, ...]
    overlay: Box | None

    def load(self) -> Image:
        """Reads the photo, BGR. The toll camera's red marker is painted out, so that no network learns it."""
        image = read_image(self.path)
        return image if self.overlay is None else _without_red(image, self.overlay)


@dataclass(frozen=True, slots=True)
class Crop:
    """One picture of a plate that is already cut out."""

    path: Path
    set_name: str
    number: str
    color: str | None
    rows: int

    def load(self) -> Image:
        """Reads the crop, BGR."""
        return read_image(self.path)


def data_root() -> Path:
    """Returns the folder of the development data. Raises FileNotFoundError, which names the remedy."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    root = Path(os.environ.get("EDGE_LPR_DATA", default))
    if not (root / "scenes").is_dir():
        raise FileNotFoundError(f"no development data at {root}: set EDGE_LPR_DATA to the folder that holds scenes/")
    return root


def scenes(split: str, root: Path | None = None, sets: tuple[str, ...] = SCENE_SETS) -> list[Scene]:
    """Returns all photos of ``split`` ("train" or "val") in ``sets``."""
    return [scene for name in sets for scene in _scenes_of(name, split, root or data_root())]


def crops(split: str, root: Path | None = None, sets: tuple[str, ...] = TRAINING_CROP_SETS) -> list[Crop]:
    """Returns all crops of ``split`` ("train" or "val") in ``sets``."""
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
    """Returns the paths of the patches without a plate."""
    return sorted(p for p in ((root or data_root()) / "negatives").rglob("*") if p.suffix in {".jpg", ".png"})


def read_image(path: Path) -> Image:
    """Reads a picture, BGR. Raises ValueError where OpenCV cannot read it."""
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"{path}: OpenCV cannot read this picture")
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


def _without_red(image: Image, overlay: Box) -> Image:
    """Paints out the red pixels in and around ``overlay``, in place."""
    x, y, w, h = (round(v) for v in overlay)
    top, left = max(0, y - 4), max(0, x - 4)
    region = image[top : y + h + 4, left : x + w + 4]
    blue, green, red = (region[..., i].astype(np.int16) for i in range(3))
    marker = ((red > 130) & (red - green > 70) & (red - blue > 70)).astype(np.uint8) * 255
    grown = cv2.dilate(marker, np.ones((5, 5), np.uint8))
    image[top : y + h + 4, left : x + w + 4] = cv2.inpaint(region, grown, 3, cv2.INPAINT_TELEA)
    return image
