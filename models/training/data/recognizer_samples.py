"""Training samples of the recognizer: real plates, rendered plates in the surroundings of real ones, and non-plates.

Every plate, real or rendered, becomes a canvas. A sample is cut from a canvas at corners with errors, then degraded.
The recognizer runs at least twice on a plate, first to refine its corners, then to read it. So there are two kinds of
samples:

* For refinement the cut is loose, around corners with the detector's errors. The target is where the plate's corners
  are.
* For reading the cut is close, around corners with the errors that are left after refinement. The targets are all the
  others.
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

from edge_lpr.plates import ALPHABET, PROVINCES, Color, is_valid_number
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
from models.training.augment.degradation_mix import degraded
from models.training.data import datasets
from models.training.data.pool import FLAT_HEIGHT, FLAT_WIDTH, PlatePool
from models.training.data.tensors import picture_tensor
from models.training.networks.inputs import RECOGNIZER_INPUT
from models.training.synthesis import PlateGenerator
from models.training.synthesis.bodywork import with_bodywork
from models.training.synthesis.signs import SignPainter

MAX_LENGTH = 9
"""Most characters of a plate."""
REAL, NEGATIVE, FOREIGN, WITHDRAWN = 0.23, 0.07, 0.07, 0.03
"""Shares of the samples; the rest is rendered plates."""
DIFFICULT = {
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
    "wj_letter": 2.0,
    "black": 1.5,
    "hong_kong_macau": 1.3,
    "nev_large": 1.8,
    "nev_small": 1.2,
}
"""How much more often these kinds are drawn than others: free lettering, small print, tiny digits, grounds of any
colour."""
SPREAD, SPREAD_ASPECT = 2.0, 4.4
"""How much more often painted numbers of at least this width by height are drawn: spread letters are narrow."""
REFINEMENT = 0.3
"""Share of plates cut for refinement."""
CROWDED = 0.25
"""Share of the samples for refinement with something right beside the plate."""
NEIGHBOR_PLATES = 0.3
"""Share of these where that is a plate of another country, as on cross-border cars."""
LONG_ENOUGH = 6
"""A foreign number with fewer characters cannot be taken for a Chinese one, so that another number is drawn once."""


class Sample(NamedTuple):
    """One training picture and its targets."""

    picture: Tensor
    """uint8 (3, 64, 160), RGB."""
    classes: Tensor
    """(9,): 1 + index in the alphabet, 0 after the end."""
    length: int
    upper: int
    """How many of the characters are in the upper row of two; 0 for one row."""
    color: int
    rows: int
    corners: Tensor
    """float32 (8,): x, y of the plate's corners in the picture, as shares of its width and height; NaN for reading."""
    read: bool
    """True for a sample for reading, False for one for refinement."""


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


class PlateSampler:
    """Draws samples without end; ``refinement`` is the share of plates cut for refinement."""

    def __init__(self, pools: Sequence[Path], seed: int, refinement: float = REFINEMENT) -> None:
        self.refinement = refinement
        self.real = real_canvases("train")
        self.pool = PlatePool(pools)
        self.surroundings = [i for i, canvas in enumerate(self.real) if not canvas.tight]
        self.negatives = [_resized(datasets.read_image(p), cv2.INTER_LINEAR) for p in datasets.negatives()]
        self.negatives += _background_patches(seed)
        self.signs = SignPainter()
        self.generator = PlateGenerator(datasets.data_root())
        # Plates of two rows take longest to learn, and the low wide glyphs are on no other plates.
        weights = np.array(
            [(1.8 if plate.rows == 2 else 1.0) * DIFFICULT.get(plate.kind, 1.0) for plate in self.pool.plates]
        )
        weights *= np.where(np.array([plate.aspect for plate in self.pool.plates]) > SPREAD_ASPECT, SPREAD, 1.0)
        self.cumulative_pool = np.cumsum(weights / weights.sum())
        # Rare provinces are drawn more often than they occur, so that no province is the safe guess.
        provinces = [next((c for c in canvas.number if c in PROVINCES), "") for canvas in self.real]
        counts = Counter(provinces)
        weights = np.array([counts[p] ** -0.6 for p in provinces])
        self.cumulative = np.cumsum(weights / weights.sum())

    def sample(self, rng: Rng) -> Sample:
        """Draws one sample."""
        share = rng.random()
        if share < NEGATIVE:
            image, _ = degraded(self.negative(rng), rng, True, *ONE_ROW)
            return as_sample(image, None)
        real = share < NEGATIVE + REAL
        if real:
            canvas = self.real[int(np.searchsorted(self.cumulative, rng.random()))]
        elif share < NEGATIVE + REAL + FOREIGN:
            canvas = self.foreign(rng)
        elif share < NEGATIVE + REAL + FOREIGN + WITHDRAWN:
            canvas = self.withdrawn(rng)
        else:
            canvas = self.rendered(rng)
        refine = not canvas.tight and rng.random() < self.refinement
        if refine and rng.random() < CROWDED:
            lettering = self.signs.foreign(rng)[0] if rng.random() < NEIGHBOR_PLATES else self.signs.draw(rng)
            canvas = replace(canvas, image=crowded(canvas.image, lettering, rng))
        corners = aim(canvas, rng, refine)
        aspect, character = canvas.proportions
        if canvas.boxes is not None and not refine and rng.random() < PARTS[canvas.upper > 0]:
            canvas, corners, part = shown_part(canvas, corners, rng)
            width, height = part.right - part.left, part.bottom - part.top
            aspect, character = aspect * width / height, character / height
        image, corners = cut(canvas, corners)
        image, colored = degraded(image, rng, not real, aspect, character)
        return as_sample(image, canvas, colored, corners if refine else None)

    def rendered(self, rng: Rng) -> Canvas:
        """Draws a plate of the pool, in the surroundings of a real one."""
        index = int(np.searchsorted(self.cumulative_pool, rng.random()))
        plate = self.pool.plates[index]
        place = self.real[self.surroundings[int(rng.integers(len(self.surroundings)))]]
        picture = self.pool.picture(index)
        boxes = np.array(plate.boxes, np.float32)
        image = swap(place.image, with_bodywork(picture, plate, rng), rng)
        upper = upper_length(plate.kind, plate.number) if plate.rows == 2 else 0
        return Canvas(image, plate.number, color_index(plate.color), plate.rows - 1, upper, False, plate.aspect, boxes)

    def negative(self, rng: Rng) -> Image:
        """Draws a picture without a plate, of the recognizer's input size."""
        if rng.random() < 0.45:
            sign = self.signs.draw(rng)
            width = sign.shape[1]
            shown = max(8, round(width * rng.uniform(0.5, 1.0)))  # a detector finds parts of long signs
            left = int(rng.integers(width - shown + 1))
            return _resized(sign[:, left : left + shown], cv2.INTER_AREA)
        patch = self.negatives[int(rng.integers(len(self.negatives)))]
        return patch[:, ::-1] if rng.random() < 0.3 else patch

    def foreign(self, rng: Rng) -> Canvas:
        """Draws a plate of another country, in the place of a real one.

        Its letters are a target too. What distinguishes it from a Chinese plate is the missing province and
        ``legible``. It has no colour and no row count.
        """
        place = self.real[self.surroundings[int(rng.integers(len(self.surroundings)))]]
        drawn, text = self.signs.foreign(rng)
        if len(text) < LONG_ENOUGH:
            drawn, text = self.signs.foreign(rng)
        board = cv2.resize(drawn, (FLAT_WIDTH, FLAT_HEIGHT), interpolation=cv2.INTER_AREA)
        flat = np.dstack([board, np.full((FLAT_HEIGHT, FLAT_WIDTH), 255, np.uint8)])
        return Canvas(swap(place.image, np.asarray(flat, np.uint8), rng), text, UNKNOWN, UNKNOWN, 0, False)

    def withdrawn(self, rng: Rng) -> Canvas:
        """Draws a withdrawn plate of the army or the armed police, in the place of a real one.

        Its characters are a target as far as the alphabet has them. A plate with an unknown character has no row count,
        as a foreign plate, so that it is not legible.
        """
        place = self.real[self.surroundings[int(rng.integers(len(self.surroundings)))]]
        drawn, number = self.generator.withdrawn(rng)
        flat = np.asarray(cv2.resize(drawn, (FLAT_WIDTH, FLAT_HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)
        text = "".join(character for character in number if character in ALPHABET)
        rows = 0 if is_valid_number(number) else UNKNOWN
        return Canvas(swap(place.image, flat, rng), text, color_index(Color.WHITE), rows, 0, False)


def as_sample(image: Image, canvas: Canvas | None, colored: bool = True, corners: Corners | None = None) -> Sample:
    """Returns the tensors of one sample.

    ``image`` is BGR, (64, 160, 3). It shows the plate of ``canvas``, or no plate where that is None. ``corners`` are
    the plate's corners in pixels of ``image`` for a sample for refinement, and None for one for reading. Character
    classes start at 1, since 0 is the CTC blank.
    """
    height, width = image.shape[:2]
    number = canvas.number if canvas else ""
    classes = torch.zeros(MAX_LENGTH, dtype=torch.long)
    classes[: len(number)] = torch.tensor([ALPHABET.index(c) + 1 for c in number], dtype=torch.long)
    shares = np.full((4, 2), np.nan) if corners is None else corners / np.array((width, height), np.float32)
    targets = torch.from_numpy(shares.astype(np.float32).reshape(8))
    color = canvas.color if canvas and colored else UNKNOWN
    upper, rows = (canvas.upper, canvas.rows) if canvas else (0, UNKNOWN)
    return Sample(picture_tensor(image), classes, len(number), upper, color, rows, targets, corners is None)


def _background_patches(seed: int, count: int = 3000) -> list[Image]:
    """Draws patches of the training photos that touch no plate, at the recognizer's input size."""
    rng = np.random.default_rng((seed, 7))
    found: list[Image] = []
    scenes = datasets.scenes("train")
    while len(found) < count:
        scene = scenes[int(rng.integers(len(scenes)))]
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
                found.append(_resized(image[y : y + h, x : x + w], cv2.INTER_AREA))
    return found


def _resized(image: Image, interpolation: int) -> Image:
    """Returns ``image`` at the recognizer's input size."""
    height, width = RECOGNIZER_INPUT
    return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.uint8)
