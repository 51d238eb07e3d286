"""Bodywork that makes painted numbers hard to read: ribs, bands and joints across them, and faded paint.

A person still reads such numbers. A recognizer trained without them missed six times as many numbers on strong ribs (21
to 26 grey levels up and down) as on a smooth sheet. Of faint paint, 60 to 90 levels from its body, it missed five times
as many as of paint with 150 levels. The generator draws such paint seldom.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Image, Rng
from models.training.data.pool import FlatPlate

BANDED = (0.05, 0.5)
"""Shares of metal plates and of painted numbers with bands across them: shadows, ribs, planks."""
FADED = (0.05, 0.35)
"""The same shares with faded paint."""
DEPTH = (0.08, 0.5)
"""Amplitude of the bands, as a share of the plate's contrast."""
PITCH = (0.3, 1.1)
"""Distance from band to band, as a share of a character's height."""
UPRIGHT = 0.65
"""Share of plates with upright bands; the others have level ones."""
JOINT = 0.4
"""Share of banded plates that also have a joint of planks or doors."""
FAINT = (35.0, 95.0)
"""Grey levels between faded paint and its body, wear included; usual paint has more than twice as many."""


def with_bodywork(picture: NDArray[np.uint8], plate: FlatPlate, rng: Rng) -> NDArray[np.uint8]:
    """Returns a pool's ``picture`` of ``plate`` with faded paint and bands, each at random by the shares above.

    ``picture`` is uint8 (H, W, 4), BGRA with the plate's outline as alpha.
    """
    painted = plate.kind.startswith("painted")
    face = picture[..., :3].copy()
    if rng.random() < FADED[painted]:
        face = faint(face, rng)
    if rng.random() < BANDED[painted]:
        face = banded(face, np.array(plate.boxes, np.float32), plate.aspect, rng)
    return np.dstack([face, picture[..., 3:]])


def faint(plate: Image, rng: Rng) -> Image:
    """Returns ``plate``, uint8 (H, W, 3), with its contrast reduced as by sun and dust.

    It is unchanged if its contrast is low already.
    """
    keep = rng.uniform(*FAINT) / max(_contrast(plate), 1.0)
    if keep >= 1:
        return plate
    mean = cv2.mean(plate)[:3]
    table = np.clip(np.arange(256)[:, None] * keep + np.array(mean) * (1 - keep), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(plate, table[None]), np.uint8)


def banded(plate: Image, boxes: NDArray[np.float32], aspect: float, rng: Rng) -> Image:
    """Returns ``plate``, uint8 (H, W, 3), with bright and dark bands across it, and sometimes a joint.

    ``boxes`` (n, 4) are the characters' boxes as shares of the plate. ``aspect`` is its true width by height.
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
    """Returns the grey levels between the darkest and the brightest 4 % of ``plate``."""
    low, high = np.percentile(cv2.cvtColor(plate[::2, ::2], cv2.COLOR_BGR2GRAY), (4, 96))
    return float(high - low)


def _joined(plate: Image, rng: Rng) -> Image:
    """Draws planks of slightly different tones with dark lines between, or the gap between two doors, in place."""
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
