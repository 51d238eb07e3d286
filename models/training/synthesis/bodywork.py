"""What makes a painted number hard to read: ribs, bands and the joints of planks across it, and paint grown faint.

A person reads it nevertheless. Strong ribs, 21 to 26 grey levels up and down, cost the recognizer before these samples
six times as many painted numbers as smooth sheet did, paint 60 to 90 levels off its body five times as many as paint
150 off; the generator draws such seldom.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Image, Rng
from models.training.data.pool import FlatPlate

BANDED = (0.05, 0.5)
"""Share of rendered plates with bands across them, and of painted numbers: shadows, ribs, planks."""
FAINTED = (0.05, 0.35)
"""The same with faint paint."""
DEPTH = (0.08, 0.5)
"""How far bands go up and down, as a share of the plate's own contrast."""
PITCH = (0.3, 1.1)
"""From band to band, shares of a character's height."""
UPRIGHT = 0.65
"""Share of plates whose bands stand upright; the others' lie level."""
JOINT = 0.4
"""Share of banded plates with the joint of planks or doors across them as well."""
FAINT = (35.0, 95.0)
"""Grey levels between faint paint and its body, wear included: less than half of what most painters leave."""


def with_bodywork(picture: NDArray[np.uint8], plate: FlatPlate, rng: Rng) -> NDArray[np.uint8]:
    """A pool's ``picture`` of ``plate``, uint8 (H, W, 4) with its outline as alpha, with faint paint and bands by the
    shares above."""
    painted = plate.kind.startswith("painted")
    face = picture[..., :3].copy()
    if rng.random() < FAINTED[painted]:
        face = faint(face, rng)
    if rng.random() < BANDED[painted]:
        face = banded(face, np.array(plate.boxes, np.float32), plate.aspect, rng)
    return np.dstack([face, picture[..., 3:]])


def faint(plate: Image, rng: Rng) -> Image:
    """``plate``, uint8 (H, W, 3), with all that stands on it drawn towards its mean colour, as paint grows pale under
    sun and dust; as it is where it was no stronger."""
    keep = rng.uniform(*FAINT) / max(_contrast(plate), 1.0)
    if keep >= 1:
        return plate
    mean = cv2.mean(plate)[:3]
    table = np.clip(np.arange(256)[:, None] * keep + np.array(mean) * (1 - keep), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(plate, table[None]), np.uint8)


def banded(plate: Image, boxes: NDArray[np.float32], aspect: float, rng: Rng) -> Image:
    """``plate``, uint8 (H, W, 3), with bands of light and shade across it, and sometimes a joint.

    ``boxes`` (n, 4) are its characters as shares of it, ``aspect`` its true width by height.
    """
    height, width = plate.shape[:2]
    upright = rng.random() < UPRIGHT
    pitch = rng.uniform(*PITCH) * float(np.median(boxes[:, 3] - boxes[:, 1])) * height
    along = np.arange(width) * (aspect * height / width) if upright else np.arange(height)
    wave = np.sin(along * (2 * np.pi / pitch) + rng.uniform(0, 2 * np.pi))
    steep = np.exp(rng.uniform(0, np.log(8)))  # from a wave to sharp-edged
    light = np.clip(wave * steep, -1, 1) * rng.uniform(*DEPTH) * _contrast(plate)
    field = np.broadcast_to(light[None, :] if upright else light[:, None], (height, width)).astype(np.int16)
    result = cv2.add(plate, cv2.merge([field, field, field]), dtype=cv2.CV_8U)
    if rng.random() < JOINT:
        result = _joined(np.asarray(result, np.uint8), rng)
    return np.asarray(result, np.uint8)


def _contrast(plate: Image) -> float:
    """Grey levels between the darkest and the lightest twenty-fifth of ``plate``."""
    low, high = np.percentile(cv2.cvtColor(plate[::2, ::2], cv2.COLOR_BGR2GRAY), (4, 96))
    return float(high - low)


def _joined(plate: Image, rng: Rng) -> Image:
    """Planks of slightly different tones with dark lines between, or the gap between two doors."""
    height, width = plate.shape[:2]
    tone = tuple(int(v) for v in rng.integers(0, 70, 3))
    if rng.random() < 0.3:
        x = int(rng.uniform(0.1, 0.9) * width)
        return np.asarray(cv2.line(plate, (x, 0), (x, height), tone, int(rng.integers(1, 4))), np.uint8)
    step = height * rng.uniform(0.18, 0.5)
    for y in np.arange(rng.uniform(0, step), height, step).astype(int):
        plank = plate[y:]
        plank[:] = cv2.convertScaleAbs(plank, alpha=rng.uniform(0.93, 1.07))
        cv2.line(plate, (0, int(y)), (width, int(y)), tone, int(rng.integers(1, 3)))
    return plate
