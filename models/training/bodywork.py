"""What sheet metal and shadows do across a number: ribs, bands, the joints of planks.

A painter paints across them, and a person reads across them. Strong ribs, 21 to 26 grey levels up and down, cost the
recognizer before these samples six times as many painted numbers as smooth sheet did; the generator draws such seldom.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.conditions import Image, Rng

DEPTH = (0.08, 0.36)
"""How far bands go up and down, as a share of the plate's own contrast."""
PITCH = (0.3, 1.1)
"""From band to band, shares of a character's height."""
UPRIGHT = 0.65
"""Share of plates whose bands stand upright; the others' lie level."""
JOINT = 0.4
"""Share of banded plates with the joint of planks or doors across them as well."""


def banded(plate: Image, boxes: NDArray[np.float32], aspect: float, rng: Rng) -> Image:
    """``plate``, uint8 (H, W, 3), with bands of light and shade across it, and sometimes a joint.

    ``boxes`` (n, 4) are its characters as shares of it, ``aspect`` its true width by height.
    """
    height, width = plate.shape[:2]
    low, high = np.percentile(cv2.cvtColor(plate[::2, ::2], cv2.COLOR_BGR2GRAY), (4, 96))
    upright = rng.random() < UPRIGHT
    pitch = rng.uniform(*PITCH) * float(np.median(boxes[:, 3] - boxes[:, 1])) * height
    along = np.arange(width) * (aspect * height / width) if upright else np.arange(height)
    wave = np.sin(along * (2 * np.pi / pitch) + rng.uniform(0, 2 * np.pi))
    steep = np.exp(rng.uniform(0, np.log(8)))  # from a wave to sharp-edged
    light = np.clip(wave * steep, -1, 1) * rng.uniform(*DEPTH) * (high - low)
    field = np.broadcast_to(light[None, :] if upright else light[:, None], (height, width)).astype(np.int16)
    result = cv2.add(plate, cv2.merge([field, field, field]), dtype=cv2.CV_8U)
    if rng.random() < JOINT:
        result = _joined(np.asarray(result, np.uint8), rng)
    return np.asarray(result, np.uint8)


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
