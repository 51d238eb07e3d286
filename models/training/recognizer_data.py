"""Samples for the recognizer: real plates, rendered plates set into the surroundings of real ones, and non-plates.

Every plate, real or rendered, becomes a *canvas*: the straightened plate in the middle of some of its surroundings.
A sample is cut from a canvas with corners that err as a detector's do, then degraded.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from edge_lpr.plates import ALPHABET, COLORS, PROVINCES
from models.training import data, degrade
from models.training.networks import RECOGNIZER_INPUT
from models.training.pool import FLAT_HEIGHT, FLAT_WIDTH, PlatePool

MARGIN_X, MARGIN_Y = 16, 10
CANVAS_WIDTH, CANVAS_HEIGHT = FLAT_WIDTH + 2 * MARGIN_X, FLAT_HEIGHT + 2 * MARGIN_Y
INNER = np.array(
    [
        [MARGIN_X, MARGIN_Y],
        [MARGIN_X + FLAT_WIDTH, MARGIN_Y],
        [MARGIN_X + FLAT_WIDTH, MARGIN_Y + FLAT_HEIGHT],
        [MARGIN_X, MARGIN_Y + FLAT_HEIGHT],
    ],
    np.float32,
)
MAX_LENGTH = 9
UNKNOWN = -1
REAL, SWAPPED, NEGATIVE = 0.38, 0.57, 0.05
"""Shares of a batch."""

Image = NDArray[np.uint8]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A straightened plate amid its surroundings; ``color`` and ``rows`` are class indices or UNKNOWN."""

    image: Image
    number: str
    color: int
    rows: int
    tight: bool
    """True for crops that came without surroundings, whose borders are invented."""


def color_index(color: str | None) -> int:
    """Class of a colour name, UNKNOWN for None."""
    return UNKNOWN if color is None else [c.value for c in COLORS].index(color)


def straightened(image: Image, quad: NDArray[np.float32]) -> Image:
    """The canvas around ``quad`` (4, 2) of ``image``."""
    matrix = cv2.getPerspectiveTransform(quad, INNER)
    size = (CANVAS_WIDTH, CANVAS_HEIGHT)
    return np.asarray(
        cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def real_canvases(split: str) -> list[Canvas]:
    """Every trusted real plate of ``split``."""
    found: list[Canvas] = []
    for scene in data.scenes(split):
        image = scene.load()
        for plate in scene.plates:
            if plate.number is not None:
                canvas = straightened(image, plate.quad)
                found.append(Canvas(canvas, plate.number, color_index(plate.color), plate.rows - 1, False))
    for crop in data.crops(split):
        inner = cv2.resize(crop.load(), (FLAT_WIDTH, FLAT_HEIGHT), interpolation=cv2.INTER_LINEAR)
        canvas = cv2.copyMakeBorder(inner, MARGIN_Y, MARGIN_Y, MARGIN_X, MARGIN_X, cv2.BORDER_REPLICATE)
        canvas = np.asarray(canvas, np.uint8)
        found.append(Canvas(canvas, crop.number, color_index(crop.color), crop.rows - 1, True))
    return found


def swap(canvas: Image, flat: Image, rng: Rng) -> Image:
    """Set a rendered plate (BGRA) in the place of the real one, in the real one's light.

    The real plate's darkest and brightest tones are where the rendered plate's go, so that exposure and contrast
    match; its texture goes, since the rendered plate covers it.
    """
    inner = canvas[MARGIN_Y:-MARGIN_Y, MARGIN_X:-MARGIN_X]
    plate = flat[..., :3].astype(np.float32)
    if rng.random() < 0.8:
        low, high = np.percentile(inner[::3, ::3].max(axis=-1), (3, 97))
        own_low, own_high = np.percentile(plate[::3, ::3].max(axis=-1), (3, 97))
        blend = rng.uniform(0.4, 1.0)
        gain = 1 + blend * (max(high - low, 40) / max(own_high - own_low, 40) - 1)
        plate = (plate - own_high) * np.clip(gain, 0.3, 1.3) + own_high + blend * (high - own_high)
    alpha = flat[..., 3:].astype(np.float32) / 255
    result = canvas.copy()
    surround = inner if rng.random() < 0.3 else np.asarray(cv2.blur(inner, (25, 25)), np.uint8)
    result[MARGIN_Y:-MARGIN_Y, MARGIN_X:-MARGIN_X] = np.clip(plate * alpha + surround * (1 - alpha), 0, 255)
    return result


def cut(canvas: Canvas, rng: Rng, jitter: float = 1.0) -> Image:
    """The recognizer's input from a canvas, its corners off by about what the detector errs times ``jitter``."""
    height, width = RECOGNIZER_INPUT
    corners = INNER.copy()
    if jitter > 0:
        size = np.array([FLAT_WIDTH, FLAT_HEIGHT], np.float32)
        center = INNER.mean(axis=0)
        loose = rng.normal(0.012, 0.022, 2) if canvas.tight else rng.normal((0.03, 0.06), (0.035, 0.06))
        shift = rng.normal(0, (0.008, 0.02), 2) if canvas.tight else rng.normal(0, (0.015, 0.03), 2)
        each = rng.normal(0, (0.007, 0.02), (4, 2)) if canvas.tight else rng.normal(0, (0.015, 0.04), (4, 2))
        corners = (corners - center) * (1 + jitter * loose) + center
        corners = (corners + jitter * (shift + each) * size).astype(np.float32)
        if rng.random() < 0.08:  # far too loose, as crops from other programs are
            corners = ((corners - center) * (1 + rng.uniform(0.04, 0.13, 2)) + center).astype(np.float32)
        elif rng.random() < 0.12:  # or too tight at one end at one end
            end = [0, 3] if rng.random() < 0.5 else [1, 2]
            inwards = 1 if end[0] == 0 else -1
            corners[end, 0] += np.float32(inwards * rng.uniform(0.0, 0.05) * FLAT_WIDTH)
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    mode = cv2.BORDER_REPLICATE if rng.random() < 0.7 else cv2.BORDER_REFLECT
    return np.asarray(cv2.warpPerspective(canvas.image, matrix, (width, height), borderMode=mode), np.uint8)


def weather(image: Image, rng: Rng, rendered: bool) -> tuple[Image, bool]:
    """Degrade a straightened plate; also says whether its colour can still be told.

    Real pictures come with their own faults and get fewer new ones.
    """
    height, width = image.shape[:2]
    much = 1.0 if rendered else 0.6
    colored = True
    if rng.random() < 0.35 * much:
        image = degrade.shade(image, rng)
    if rng.random() < 0.12 * much:
        image = degrade.glare(image, rng)
    if rng.random() < 0.08 * much:
        image = degrade.rain(image, rng)
    if rng.random() < 0.03:
        image, colored = degrade.infrared(image, rng), False
    image = degrade.light(image, rng, much)
    if rng.random() < 0.12 * much:
        image = degrade.night(image, rng)
    # Through a smaller picture: what a far plate, and a steep one, has left. 1.0 is the full 160 x 64.
    scale = np.exp(rng.uniform(np.log(0.24 if rendered else 0.4), 0.0))
    squeeze = np.exp(rng.normal(0, 0.18))
    small_width = int(np.clip(width * scale * squeeze, 34, width))
    small_height = int(np.clip(height * scale / squeeze * 0.85, 12, height))
    if rng.random() < 0.35 * much:
        image = degrade.motion_blur(image, rng, 4.0 + 5.0 * scale)
    if rng.random() < 0.45 * much:
        image = degrade.focus_blur(image, rng, 0.8 + 1.4 * scale)
    image = np.asarray(cv2.resize(image, (small_width, small_height), interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.6 * much:
        image = degrade.noise(image, rng, 0.8)
    if rng.random() < 0.2:
        image = degrade.sharpen(image, rng)
    if rng.random() < 0.5 * much:
        image = degrade.jpeg(image, rng)
    way = cv2.INTER_LINEAR if rng.random() < 0.6 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8), colored


class PlateSamples(IterableDataset[tuple[torch.Tensor, torch.Tensor, int, int, int]]):
    """An endless stream of (picture uint8 (3, 64, 160) RGB, character classes (9,), length, colour, rows)."""

    def __init__(self, pool: Path, seed: int) -> None:
        self.real = real_canvases("train")
        self.pool = PlatePool(pool)
        self.seed = seed
        self.surroundings = [i for i, canvas in enumerate(self.real) if not canvas.tight]
        self.negatives = [np.asarray(cv2.resize(data.read_image(p), (160, 64)), np.uint8) for p in data.negatives()]
        self.negatives += _plain_patches(seed)
        # Two-row plates take longest to learn, and wide low glyphs stand on nothing else.
        hardness = np.array([2.5 if plate.rows == 2 else 1.0 for plate in self.pool.plates])
        self.cumulative_pool = np.cumsum(hardness / hardness.sum())
        # Seldom provinces more often than they come, so that no province is the safe guess.
        provinces = [next((c for c in canvas.number if c in PROVINCES), "") for canvas in self.real]
        counts = Counter(provinces)
        weights = np.array([counts[p] ** -0.6 for p in provinces])
        self.cumulative = np.cumsum(weights / weights.sum())

    def __iter__(self):  # type: ignore[no-untyped-def]
        cv2.setNumThreads(0)  # the processes are as many as the cores already
        worker = get_worker_info()
        rng = np.random.default_rng((self.seed, worker.id if worker else 0))
        while True:
            yield self.sample(rng)

    def sample(self, rng: Rng) -> tuple[torch.Tensor, torch.Tensor, int, int, int]:
        """One sample drawn from the mix."""
        share = rng.random()
        if share < NEGATIVE:
            patch = self.negatives[int(rng.integers(len(self.negatives)))]
            image, _ = weather(patch[:, ::-1] if rng.random() < 0.3 else patch, rng, True)
            return as_sample(image, "", UNKNOWN, UNKNOWN)
        if share < NEGATIVE + REAL:
            canvas = self.real[int(np.searchsorted(self.cumulative, rng.random()))]
            image, colored = weather(cut(canvas, rng), rng, rendered=False)
        else:
            canvas = self.rendered(rng)
            image, colored = weather(cut(canvas, rng), rng, rendered=True)
        return as_sample(image, canvas.number, canvas.color if colored else UNKNOWN, canvas.rows)

    def rendered(self, rng: Rng) -> Canvas:
        """A plate of the pool in the surroundings of a real one."""
        index = int(np.searchsorted(self.cumulative_pool, rng.random()))
        plate = self.pool.plates[index]
        place = self.real[self.surroundings[int(rng.integers(len(self.surroundings)))]]
        image = swap(place.image, self.pool.pictures[index], rng)
        return Canvas(image, plate.number, color_index(plate.color), plate.rows - 1, False)


def as_sample(image: Image, number: str, color: int, rows: int) -> tuple[torch.Tensor, torch.Tensor, int, int, int]:
    """Tensors of one sample; character classes start at 1, since 0 is the CTC blank."""
    classes = torch.zeros(MAX_LENGTH, dtype=torch.long)
    classes[: len(number)] = torch.tensor([ALPHABET.index(c) + 1 for c in number], dtype=torch.long)
    picture = torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)))
    return picture, classes, len(number), color, rows


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
