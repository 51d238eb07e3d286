"""Canvases: straightened plates with their surroundings, real ones and rendered ones in the place of a real one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import COLORS, PROVINCES
from models.training.arrays import Image, Rng
from models.training.data import datasets
from models.training.data.pool import FLAT_HEIGHT, FLAT_WIDTH
from models.training.synthesis.layouts import CAR, NEV

MARGIN_X, MARGIN_Y = 64, 84
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
"""The plate's corners on a canvas, pixels."""
UNKNOWN = -1
ENDS = 0.45
"""Share of crowded plates with the neighbours at their ends instead of above or below."""
ONE_ROW, TWO_ROWS = (440 / 140, 0.65), (440 / 220, 0.3)
"""Width by height, and the smallest character's height as a share of the plate's (GA 36-2014)."""


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A straightened plate with its surroundings; ``color`` and ``rows`` are class indices or UNKNOWN."""

    image: Image
    number: str
    color: int
    rows: int
    upper: int
    tight: bool
    """True for crops without surroundings, whose border is repeated."""
    aspect: float | None = None
    """True width by height, if it differs from GA 36."""
    boxes: NDArray[np.float32] | None = None
    """(n, 4), the characters' left, top, right and bottom as shares of the plate; None if unknown."""

    @property
    def proportions(self) -> tuple[float, float]:
        """The true width by height, and the smallest character's height as a share of the plate's."""
        aspect, character = TWO_ROWS if self.rows == 1 else ONE_ROW
        return self.aspect or aspect, character


def color_index(color: str | None) -> int:
    """Returns the class of a colour name; UNKNOWN for None."""
    return UNKNOWN if color is None else [c.value for c in COLORS].index(color)


def upper_length(kind: str, number: str) -> int:
    """Returns how many characters of a two-row plate are in its upper row (GA 36-2014 figures; NY 345.1)."""
    if kind.startswith("tractor"):
        return 3
    if kind == "wj_letter_double":
        return 3
    if kind == "wj_double":
        return 3 if number[2] in PROVINCES else 2
    return 1 if kind == "embassy_double" else 2


def straightened(image: Image, quad: NDArray[np.float32]) -> Image:
    """Returns the canvas around ``quad`` (4, 2) of ``image``."""
    matrix = cv2.getPerspectiveTransform(quad - np.float32(0.5), INNER - np.float32(0.5))
    size = (CANVAS_WIDTH, CANVAS_HEIGHT)
    return np.asarray(
        cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def real_canvases(split: str) -> list[Canvas]:
    """Returns every real plate of ``split`` with a trusted number."""
    found: list[Canvas] = []
    for scene in datasets.scenes(split):
        image = scene.load()
        for plate in scene.plates:
            if plate.number is not None:
                canvas = straightened(image, plate.quad)
                boxes = usual_boxes(plate.number, plate.rows)
                found.append(
                    Canvas(canvas, plate.number, color_index(plate.color), plate.rows - 1, 0, False, boxes=boxes)
                )
    for crop in datasets.crops(split):
        inner = cv2.resize(crop.load(), (FLAT_WIDTH, FLAT_HEIGHT), interpolation=cv2.INTER_LINEAR)
        bordered = cv2.copyMakeBorder(inner, MARGIN_Y, MARGIN_Y, MARGIN_X, MARGIN_X, cv2.BORDER_REPLICATE)
        canvas = np.asarray(bordered, np.uint8)
        boxes = usual_boxes(crop.number, crop.rows)
        found.append(Canvas(canvas, crop.number, color_index(crop.color), crop.rows - 1, 0, True, boxes=boxes))
    return found


def usual_boxes(number: str, rows: int) -> NDArray[np.float32] | None:
    """Returns the boxes of a real plate's characters, as ``Canvas.boxes``.

    They are known for cars' plates in one row, whose layout is standard; None for others.
    """
    if rows != 1 or number[0] not in PROVINCES or number[-1] == "警" or len(number) not in (7, 8):
        return None
    layout = CAR if len(number) == 7 else NEV
    edges = [(slot.x, slot.y, slot.x + slot.width, slot.y + slot.height) for slot in layout.slots]
    size = (layout.width, layout.height, layout.width, layout.height)
    return (np.array(edges) / size).astype(np.float32)


def swap(canvas: Image, flat: Image, rng: Rng) -> Image:
    """Returns ``canvas`` with a rendered plate (BGRA) in the place of the real one.

    In most cases the rendered plate's darkest and brightest tones are moved towards those of the real one, so that
    exposure and contrast match.
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


def crowded(canvas: Image, lettering: Image, rng: Rng) -> Image:
    """Returns ``canvas`` with something right beside the plate.

    Above or below it that is stripes or ``lettering``, as grilles and dealers' names. At one or both ends it is bright,
    dark or lettered, as lamps and recesses.
    """
    result = canvas.copy()
    if rng.random() < ENDS:
        for end in (0, 1):
            if rng.random() < 0.7:
                _crowd_end(result, end, lettering, rng)
        return result
    high = MARGIN_Y - int(rng.integers(1, 9))
    if rng.random() < 0.5:
        strip = np.asarray(cv2.resize(lettering, (CANVAS_WIDTH, high), interpolation=cv2.INTER_AREA), np.uint8)
    else:
        along = np.arange(CANVAS_WIDTH)[None] if rng.random() < 0.5 else np.arange(high)[:, None]
        bars = (along / rng.uniform(4, 30) + rng.random()) % 1 < rng.uniform(0.3, 0.7)
        tones = rng.integers(0, 256, (2, 1, 1, 3))
        strip = np.where(np.broadcast_to(bars, (high, CANVAS_WIDTH))[..., None], tones[0], tones[1]).astype(np.uint8)
    rows = slice(0, high) if rng.random() < 0.7 else slice(CANVAS_HEIGHT - high, CANVAS_HEIGHT)
    result[rows] = strip
    return result


def _crowd_end(canvas: Image, end: int, lettering: Image, rng: Rng) -> None:
    """Covers the area beyond one ``end`` of the plate (0 left, 1 right), in place."""
    wide, gap = int(rng.integers(16, MARGIN_X)), int(rng.integers(0, 7))
    left = MARGIN_X - gap - wide if end == 0 else CANVAS_WIDTH - MARGIN_X + gap
    left, right = max(0, left), min(CANVAS_WIDTH, left + wide)
    top, bottom = MARGIN_Y - int(rng.integers(-10, 14)), CANVAS_HEIGHT - MARGIN_Y + int(rng.integers(-10, 14))
    place = canvas[top:bottom, left:right]
    if rng.random() < 0.35:
        shown = max(8, round(lettering.shape[0] * (right - left) / (bottom - top)))
        start = int(rng.integers(max(1, lettering.shape[1] - shown)))
        place[:] = cv2.resize(lettering[:, start : start + shown], (right - left, bottom - top))
    else:
        tone = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.full(3, rng.choice((int(rng.integers(50)), 255)))
        across = np.linspace(0, rng.normal(0, 40), bottom - top)[:, None, None]
        place[:] = np.clip(tone + across + rng.normal(0, 6, (*place.shape[:2], 1)), 0, 255)
