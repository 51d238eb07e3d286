"""Samples for the recognizer: real plates, rendered plates set into the surroundings of real ones, and non-plates.

Every plate, real or rendered, becomes a canvas. A sample is cut from a canvas with corners that err, then degraded. It
is cut either as for the first look, loosely around corners that err as the detector's do, or as for reading, closely
around corners that have been refined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from edge_lpr.plates import ALPHABET, PROVINCES
from models.training.arrays import Corners, Image, Rng
from models.training.augment.canvases import (
    ONE_ROW,
    UNKNOWN,
    Canvas,
    color_index,
    crowded,
    real_canvases,
    swap,
    upper_length,
)
from models.training.augment.crops import PARTS, aim, cut, shown_part
from models.training.augment.degradation_mix import weather
from models.training.data import datasets as data
from models.training.data.pool import FLAT_HEIGHT, FLAT_WIDTH, PlatePool
from models.training.synthesis.bodywork import hard_to_read
from models.training.synthesis.signs import SignPainter

MAX_LENGTH = 9
REAL, NEGATIVE, FOREIGN = 0.23, 0.07, 0.08
"""Shares of a batch; the rest is rendered plates."""
HARD = {
    "painted": 4.2,
    "painted_double": 3.0,
    "temporary": 1.5,
    "temporary_entry": 1.3,
    "tractor": 1.4,
    "tractor_temporary": 1.4,
    "wj": 2.0,
    "wj_old": 3.5,
    "emergency_double": 1.5,
    "coach_double": 1.4,
    "army": 1.5,
    "embassy": 1.5,
    "other": 4.0,
}
"""How much more often than others these kinds are shown: any painter's hand, small print, tiny figures, any
colour of ground."""
LOOK = 0.3
"""Share of plates cut as for the first look; it asks for corners alone, and reading asks for everything else."""
CROWDED = 0.25
"""Share of looks with something right beside the plate."""
LONG_ENOUGH = 6
"""Another country's number of so many characters could be one of ours, and is drawn more often."""


class Sample(NamedTuple):
    """One training picture and what it shows."""

    picture: Tensor
    """uint8 (3, 64, 160), RGB."""
    classes: Tensor
    """(9,): 1 + place in the alphabet, 0 after the end."""
    length: int
    upper: int
    """How many of the characters stand in the upper row of two; 0 where there is one row."""
    color: int
    rows: int
    corners: Tensor
    """float32 (8,): x, y of the plate's corners in the picture, as shares of its width and height; NaN if not asked."""
    read: bool
    """False where the picture is cut as for the first look, whose characters nobody reads."""


class Batch(NamedTuple):
    """Samples stacked: their fields with one more dimension in front."""

    picture: Tensor
    classes: Tensor
    length: Tensor
    upper: Tensor
    color: Tensor
    rows: Tensor
    corners: Tensor
    read: Tensor


class PlateSamples:
    """Draws samples: call ``sample`` for ever. ``looks`` is the share of plates cut as for the first look."""

    def __init__(self, pools: Sequence[Path], seed: int, looks: float = LOOK) -> None:
        self.looks = looks
        self.real = real_canvases("train")
        self.pool = PlatePool(pools)
        self.surroundings = [i for i, canvas in enumerate(self.real) if not canvas.tight]
        self.negatives = [np.asarray(cv2.resize(data.read_image(p), (160, 64)), np.uint8) for p in data.negatives()]
        self.negatives += _plain_patches(seed)
        self.signs = SignPainter()
        # Two-row plates take longest to learn, and wide low glyphs stand on nothing else.
        hardness = np.array(
            [(1.8 if plate.rows == 2 else 1.0) * HARD.get(plate.kind, 1.0) for plate in self.pool.plates]
        )
        self.cumulative_pool = np.cumsum(hardness / hardness.sum())
        # Seldom provinces more often than they come, so that no province is the safe guess.
        provinces = [next((c for c in canvas.number if c in PROVINCES), "") for canvas in self.real]
        counts = Counter(provinces)
        weights = np.array([counts[p] ** -0.6 for p in provinces])
        self.cumulative = np.cumsum(weights / weights.sum())

    def sample(self, rng: Rng) -> Sample:
        """One sample drawn from the mix."""
        share = rng.random()
        if share < NEGATIVE:
            image, _ = weather(self.negative(rng), rng, True, *ONE_ROW)
            return as_sample(image, None)
        real = share < NEGATIVE + REAL
        if real:
            canvas = self.real[int(np.searchsorted(self.cumulative, rng.random()))]
        elif share < NEGATIVE + REAL + FOREIGN:
            canvas = self.foreign(rng)
        else:
            canvas = self.rendered(rng)
        look = not canvas.tight and rng.random() < self.looks
        if look and rng.random() < CROWDED:
            canvas = replace(canvas, image=crowded(canvas.image, self.signs.draw(rng), rng))
        corners = aim(canvas, rng, look)
        aspect, character = canvas.proportions
        if canvas.boxes is not None and not look and rng.random() < PARTS[canvas.upper > 0]:
            canvas, corners, part = shown_part(canvas, corners, rng)
            wide, high = part.right - part.left, part.bottom - part.top
            aspect, character = aspect * wide / high, character / high
        image, corners = cut(canvas, corners)
        image, colored = weather(image, rng, not real, aspect, character)
        return as_sample(image, canvas, colored, corners if look else None)

    def rendered(self, rng: Rng) -> Canvas:
        """A plate of the pool in the surroundings of a real one."""
        index = int(np.searchsorted(self.cumulative_pool, rng.random()))
        plate = self.pool.plates[index]
        place = self.real[self.surroundings[int(rng.integers(len(self.surroundings)))]]
        picture = self.pool.picture(index)
        boxes = np.array(plate.boxes, np.float32)
        image = swap(place.image, hard_to_read(picture, plate, rng), rng)
        upper = upper_length(plate.kind, plate.number) if plate.rows == 2 else 0
        return Canvas(image, plate.number, color_index(plate.color), plate.rows - 1, upper, False, plate.aspect, boxes)

    def negative(self, rng: Rng) -> Image:
        """A picture without a plate at the recognizer's size."""
        if rng.random() < 0.45:
            sign = self.signs.draw(rng)
            width = sign.shape[1]
            shown = max(8, round(width * rng.uniform(0.5, 1.0)))  # a detector sees parts of long signs
            left = int(rng.integers(width - shown + 1))
            patch = cv2.resize(sign[:, left : left + shown], (160, 64), interpolation=cv2.INTER_AREA)
        else:
            patch = self.negatives[int(rng.integers(len(self.negatives)))]
            patch = patch[:, ::-1] if rng.random() < 0.3 else patch
        return np.asarray(patch, np.uint8)

    def foreign(self, rng: Rng) -> Canvas:
        """Another country's plate in the place of a real one. Its letters are learnt, for they are letters, and no
        province is: that, and ``legible``, tell it from a Chinese plate. Of colours and rows it has none."""
        place = self.real[self.surroundings[int(rng.integers(len(self.surroundings)))]]
        drawn, text = self.signs.foreign(rng)
        if len(text) < LONG_ENOUGH:
            drawn, text = self.signs.foreign(rng)
        board = cv2.resize(drawn, (FLAT_WIDTH, FLAT_HEIGHT), interpolation=cv2.INTER_AREA)
        flat = np.dstack([board, np.full((FLAT_HEIGHT, FLAT_WIDTH), 255, np.uint8)])
        return Canvas(swap(place.image, np.asarray(flat, np.uint8), rng), text, UNKNOWN, UNKNOWN, 0, False)


def as_sample(image: Image, canvas: Canvas | None, colored: bool = True, corners: Corners | None = None) -> Sample:
    """Tensors of one sample: ``image`` shows the plate of ``canvas``, or none where that is None; cut for reading, or
    as for the first look where ``corners`` says at which pixels the plate's corners lie.

    Character classes start at 1, since 0 is the CTC blank.
    """
    height, width = image.shape[:2]
    number = canvas.number if canvas else ""
    classes = torch.zeros(MAX_LENGTH, dtype=torch.long)
    classes[: len(number)] = torch.tensor([ALPHABET.index(c) + 1 for c in number], dtype=torch.long)
    picture = torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)))
    shares = np.full((4, 2), np.nan) if corners is None else corners / np.float32((width, height))
    outline = torch.from_numpy(shares.astype(np.float32).reshape(8))
    color = canvas.color if canvas and colored else UNKNOWN
    upper, rows = (canvas.upper, canvas.rows) if canvas else (0, UNKNOWN)
    return Sample(picture, classes, len(number), upper, color, rows, outline, corners is None)


def _plain_patches(seed: int, count: int = 3000) -> list[Image]:
    """Patches of the training photos that touch no plate."""
    rng = np.random.default_rng((seed, 7))
    found: list[Image] = []
    all_scenes = data.scenes("train")
    while len(found) < count:
        scene = all_scenes[int(rng.integers(len(all_scenes)))]
        image = scene.load()
        height, width = image.shape[:2]
        taken = [(*p.quad.min(axis=0), *p.quad.max(axis=0)) for p in scene.plates]
        taken += [(x, y, x + w, y + h) for x, y, w, h in scene.ignore]
        for _ in range(4):
            w = int(rng.uniform(0.08, 0.4) * width)
            h = max(8, int(w / rng.uniform(1.6, 4)))
            if w >= width or h >= height:
                continue
            x, y = int(rng.integers(width - w)), int(rng.integers(height - h))
            if all(x + w < a or x > c or y + h < b or y > d for a, b, c, d in taken):
                patch = cv2.resize(image[y : y + h, x : x + w], (160, 64), interpolation=cv2.INTER_AREA)
                found.append(np.asarray(patch, np.uint8))
    return found
