"""Samples for the recognizer: real plates, rendered plates set into the surroundings of real ones, and non-plates.

Every plate, real or rendered, becomes a *canvas*: the straightened plate in the middle of its surroundings. A sample is
cut from a canvas with corners that err, then degraded. It is cut either as for the first look, loosely around corners
that err as the detector's do, or as for reading, closely around corners that have been refined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from edge_lpr.plates import ALPHABET, COLORS, PROVINCES
from models.training import data
from models.training.networks import RECOGNIZER_INPUT
from models.training.pool import FLAT_HEIGHT, FLAT_WIDTH, PlatePool
from models.training.signs import SignPainter
from models.training.weather import weather

MARGIN_X, MARGIN_Y = 56, 42
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
REAL, NEGATIVE, FOREIGN = 0.24, 0.07, 0.06
"""Shares of a batch; the rest is rendered plates."""
HARD = {
    "painted": 3.0,
    "painted_double": 2.2,
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
LOOK = 0.28
"""Share of plates cut as for the first look; it asks for corners alone, and reading asks for everything else."""
LOWER_ROW = 0.1
"""Share of looks at two-row plates where the detector took the lower row for the plate."""
LOOK_MARGIN = (0.10, 0.22)
"""How much of the plate's width and height the first look shows beyond each edge of the detector's corners."""
READ_MARGIN = 0.02
"""The same for reading."""
UPPER_SHARE = 0.46
"""Part of a two-row plate's height, margin included, within which its upper row stands: a third of plates after GA 36,
up to 0.46 of painted numbers."""
UPPER_ALONE = 0.4
"""Share of two-row plates cut for reading of which only the upper row is shown, as a second opinion looks at it."""

ONE_ROW, TWO_ROWS = (440 / 140, 0.65), (440 / 220, 0.3)
"""A plate's width by height, and the smallest character's height as a share of the plate's (GA 36-2014)."""

Image = NDArray[np.uint8]
Corners = NDArray[np.float32]
Rng = np.random.Generator


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


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A straightened plate amid its surroundings; ``color`` and ``rows`` are class indices or UNKNOWN."""

    image: Image
    number: str
    color: int
    rows: int
    upper: int
    tight: bool
    """True for crops that came without surroundings, whose borders are invented."""
    aspect: float | None = None
    """True width by height, where that is known better than by GA 36."""

    @property
    def proportions(self) -> tuple[float, float]:
        """True width by height, and the smallest character's height as a share of the plate's."""
        aspect, character = TWO_ROWS if self.rows == 1 else ONE_ROW
        return self.aspect or aspect, character


def color_index(color: str | None) -> int:
    """Class of a colour name, UNKNOWN for None."""
    return UNKNOWN if color is None else [c.value for c in COLORS].index(color)


def upper_length(kind: str, number: str) -> int:
    """How many characters of a two-row plate stand in its upper row (GA 36-2014 figures; NY 345.1)."""
    if kind.startswith("tractor"):
        return 3
    if kind == "wj_double":
        return 3 if number[2] in PROVINCES else 2
    return 1 if kind == "embassy_double" else 2


def straightened(image: Image, quad: NDArray[np.float32]) -> Image:
    """The canvas around ``quad`` (4, 2) of ``image``."""
    matrix = cv2.getPerspectiveTransform(quad - np.float32(0.5), INNER - np.float32(0.5))
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
                found.append(Canvas(canvas, plate.number, color_index(plate.color), plate.rows - 1, 0, False))
    for crop in data.crops(split):
        inner = cv2.resize(crop.load(), (FLAT_WIDTH, FLAT_HEIGHT), interpolation=cv2.INTER_LINEAR)
        canvas = cv2.copyMakeBorder(inner, MARGIN_Y, MARGIN_Y, MARGIN_X, MARGIN_X, cv2.BORDER_REPLICATE)
        canvas = np.asarray(canvas, np.uint8)
        found.append(Canvas(canvas, crop.number, color_index(crop.color), crop.rows - 1, 0, True))
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


@dataclass(frozen=True, slots=True)
class Errors:
    """How far corners err: standard deviations in plate heights, as measured on the detector's. ``grow`` moves
    opposite edges apart, ``shear`` the upper and lower edge along themselves, ``rotate`` the ends up and down."""

    shift: tuple[float, float]
    grow: tuple[float, float]
    shear: float
    rotate: float
    each: float

    def draw(self, rng: Rng, much: float) -> Corners:
        """Errors of the four corners, (4, 2) in plate heights."""
        grow, shear, rotate = rng.normal(0, self.grow), rng.normal(0, self.shear), rng.normal(0, self.rotate)
        common = rng.normal(0, self.shift)
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        own = signs * grow + np.stack([-signs[:, 1] * shear, signs[:, 0] * rotate], axis=1)
        return np.asarray(much * (own + common) + rng.normal(0, self.each, (4, 2)), np.float32)


DETECTED = Errors(shift=(0.09, 0.05), grow=(0.09, 0.055), shear=0.09, rotate=0.05, each=0.02)
REFINED = Errors(shift=(0.035, 0.02), grow=(0.04, 0.03), shear=0.045, rotate=0.02, each=0.015)
CROPPED = Errors(shift=(0.03, 0.02), grow=(0.04, 0.02), shear=0.02, rotate=0.015, each=0.015)


def aim(canvas: Canvas, rng: Rng, look: bool) -> Corners:
    """The corners (4, 2) on the canvas to cut at: off by what the detector errs, or by what is left when refined."""
    errors = DETECTED if look else CROPPED if canvas.tight else REFINED
    margin = np.array(LOOK_MARGIN if look else (0.0, 0.0) if canvas.tight else (READ_MARGIN, READ_MARGIN))
    much = float(rng.choice((0.6, 1.2, 2.2), p=(0.4, 0.42, 0.18)))
    height = np.array([FLAT_WIDTH / (440 / 140), FLAT_HEIGHT])  # of a plate, in the canvas's pixels of each axis
    center = INNER.mean(axis=0)
    corners = INNER + errors.draw(rng, much) * height
    if look and canvas.rows == 1 and rng.random() < LOWER_ROW:
        corners[:2, 1] += rng.uniform(0.1, 0.42) * FLAT_HEIGHT
    corners = (corners - center) * (1 + 2 * margin) + center
    if not look and rng.random() < 0.08:  # far too loose, as crops from other programs are
        corners = (corners - center) * (1 + rng.uniform(0.04, 0.13, 2)) + center
    elif not look and rng.random() < 0.1:  # or too tight at one end
        end = [0, 3] if rng.random() < 0.5 else [1, 2]
        inwards = 1 if end[0] == 0 else -1
        corners[end, 0] += inwards * rng.uniform(0.0, 0.05) * FLAT_WIDTH
    return np.asarray(corners, np.float32)


def upper_row(canvas: Canvas, corners: Corners, share: float) -> tuple[Canvas, Corners]:
    """The upper row of a two-row plate, and the corners to cut at for it: ``share`` is its part of the height."""
    lower = corners[:2] + share * (corners[3:1:-1] - corners[:2])
    return replace(canvas, number=canvas.number[: canvas.upper]), np.concatenate([corners[:2], lower[::-1]])


def cut(canvas: Canvas, corners: Corners, border: int = cv2.BORDER_REPLICATE) -> tuple[Image, Corners]:
    """The recognizer's input between ``corners`` of a canvas; and where in it, in pixels, the plate's corners lie."""
    height, width = RECOGNIZER_INPUT
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    plate = cv2.perspectiveTransform(INNER[None], matrix)[0]
    # Corners count from the outer edge of the first pixel, OpenCV from its centre.
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    warp = np.linalg.inv(half) @ matrix @ half
    image = cv2.warpPerspective(canvas.image, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=border)
    return np.asarray(image, np.uint8), np.asarray(plate, np.float32)


def closely(canvas: Canvas) -> Corners:
    """The corners to cut at for reading when nothing errs."""
    margin = 0.0 if canvas.tight else READ_MARGIN
    center = INNER.mean(axis=0)
    return np.asarray((INNER - center) * (1 + 2 * margin) + center, np.float32)


class PlateSamples:
    """Draws samples: call ``sample`` for ever."""

    def __init__(self, pools: Sequence[Path], seed: int) -> None:
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
        look = not canvas.tight and rng.random() < LOOK
        border = cv2.BORDER_REPLICATE if rng.random() < 0.7 else cv2.BORDER_REFLECT
        corners = aim(canvas, rng, look)
        aspect, character = canvas.proportions
        if canvas.upper and not look and rng.random() < UPPER_ALONE:
            share = UPPER_SHARE + float(rng.uniform(-0.04, 0.04))
            canvas, corners = upper_row(canvas, corners, share)
            aspect, character = aspect / share, character / share
        image, corners = cut(canvas, corners, border)
        image, colored = weather(image, rng, not real, aspect, character)
        return as_sample(image, canvas, colored, corners if look else None)

    def rendered(self, rng: Rng) -> Canvas:
        """A plate of the pool in the surroundings of a real one."""
        index = int(np.searchsorted(self.cumulative_pool, rng.random()))
        plate = self.pool.plates[index]
        place = self.real[self.surroundings[int(rng.integers(len(self.surroundings)))]]
        image = swap(place.image, self.pool.picture(index), rng)
        upper = upper_length(plate.kind, plate.number) if plate.rows == 2 else 0
        return Canvas(image, plate.number, color_index(plate.color), plate.rows - 1, upper, False, plate.aspect)

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
