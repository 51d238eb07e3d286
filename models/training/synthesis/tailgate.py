"""The rear of a lorry: doors with the painted number, a company name, lamps, hazard boards and the rear plate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Image, Mask, Rng
from models.training.synthesis.doors import door_fittings
from models.training.synthesis.glyphs import LETTERING, GlyphLibrary
from models.training.synthesis.metal import Box
from models.training.synthesis.painted import bodywork, contrasting, letters, painted
from models.training.synthesis.surfaces import Textures, blend, filled, paste, shade, unevenness
from models.training.synthesis.wear import draw_level, weathered

WIDTH = 640
"""Pixels."""
PLATE_SHARE = (0.14, 0.26)
"""Width of the rear plate, share of the lorry's."""


@dataclass(frozen=True, slots=True, eq=False)
class Tailgate:
    """A lorry's rear.

    ``image`` is uint8 (H, W, 3), BGR. ``plates`` are the corners (4, 2) of the painted number, then of the plate if
    there is one.
    """

    image: Image
    number: str
    plates: tuple[NDArray[np.float32], ...]


def draw_tailgate(number: str, plate: Image | None, glyphs: GlyphLibrary, textures: Textures, rng: Rng) -> Tailgate:
    """Draws a lorry's rear with ``number`` painted on its doors and ``plate`` (BGRA; None for none) below."""
    door_height = round(WIDTH * float(rng.uniform(0.22, 1.0)))
    body_image, body = bodywork(door_height, WIDTH, rng)
    ink, boxes = letters(number, 1, True, glyphs, rng)
    ink, boxes, box = _placed(ink, boxes, door_height, rng)
    paint = contrasting(body, rng)
    level = draw_level(rng)
    image = painted(body_image, ink, paint, textures, level, rng)
    free = box[1] if box[1] > door_height - box[3] else 0.0
    if free > 60 and rng.random() < 0.5:
        image = _name(image, free, paint, glyphs, rng)
    image = door_fittings(image, boxes, body, rng)
    image = shade(image, unevenness(rng, door_height, WIDTH, float(rng.uniform(2, 16))))
    image = weathered(image, textures, level, 0.9, rng)
    bumper, plate_at = _bumper(plate, rng)
    image = np.vstack([image, bumper])
    plates = [_corners(box)]
    if plate_at is not None:
        left, top, right, bottom = plate_at
        plates.append(_corners((left, top + door_height, right, bottom + door_height)))
    return Tailgate(image, number, tuple(plates))


def _placed(ink: Mask, boxes: tuple[Box, ...], height: int, rng: Rng) -> tuple[Mask, tuple[Box, ...], Box]:
    """Returns the ink scaled into a sheet of ``height`` x WIDTH, its letters' boxes and the number's box."""
    scale = min(WIDTH * float(rng.uniform(0.45, 0.97)) / ink.shape[1], 0.9 * height / ink.shape[0])
    size = (round(ink.shape[1] * scale), round(ink.shape[0] * scale))
    small = np.asarray(cv2.resize(ink, size, interpolation=cv2.INTER_AREA), np.uint8)
    x = int((WIDTH - size[0]) * np.clip(rng.normal(0.5, 0.15), 0, 1))
    y = int((height - size[1]) * rng.beta(2.0, 1.2))
    sheet = np.zeros((height, WIDTH), np.uint8)
    paste(sheet, small, x, y)
    moved = tuple((a * scale + x, b * scale + y, c * scale + x, d * scale + y) for a, b, c, d in boxes)
    return sheet, moved, (float(x), float(y), float(x + size[0]), float(y + size[1]))


def _name(image: Image, free: float, paint: np.ndarray, glyphs: GlyphLibrary, rng: Rng) -> Image:
    """Adds a company name or slogan in the ``free`` pixel rows above the number."""
    high = round(free * float(rng.uniform(0.2, 0.6)))
    text = "".join(rng.choice(list(LETTERING), int(rng.integers(2, 7))))
    line = glyphs.lettering("noto" if rng.random() < 0.5 else "wqy", text, high, float(rng.uniform(0.05, 0.5)))
    line = line[:, : image.shape[1] - 8]
    mask = np.zeros(image.shape[:2], np.uint8)
    paste(
        mask, line, (image.shape[1] - line.shape[1]) * float(rng.uniform(0.2, 0.8)), (free - high) * rng.uniform(0, 0.9)
    )
    return blend(image, mask, paint, float(rng.uniform(0.6, 1.0)))


def _bumper(plate: Image | None, rng: Rng) -> tuple[Image, Box | None]:
    """Draws the part below the doors, with lamps and hazard boards. Returns it and the box of the plate in it."""
    plate_width = WIDTH * float(rng.uniform(*PLATE_SHARE))
    plate_height = plate_width / 2
    height = round(plate_height * float(rng.uniform(1.15, 2.2)))
    image = filled(height, WIDTH, rng.uniform(15, 90, 3) if rng.random() < 0.7 else rng.uniform(60, 220, 3))
    image = shade(image, unevenness(rng, height, WIDTH, 14))
    for side in (0, 1):
        _lamps(image, side, rng)
    if rng.random() < 0.6:
        _stripes(image, rng)
    if plate is None:
        return image, None
    x = (WIDTH - plate_width) * float(np.clip(rng.normal(0.5, 0.15), 0.1, 0.9))
    y = (height - plate_height) * float(rng.uniform(0.1, 0.9))
    left, top, wide, high = round(x), round(y), round(plate_width), round(plate_height)
    small = cv2.resize(plate, (wide, high), interpolation=cv2.INTER_AREA)
    alpha = small[..., 3:].astype(np.float32) / 255
    region = image[top : top + high, left : left + wide]
    region[:] = (small[..., :3] * alpha + region * (1 - alpha)).astype(np.uint8)
    return image, (float(left), float(top), float(left + wide), float(top + high))


def _lamps(image: Image, side: int, rng: Rng) -> None:
    """Draws the lamps of one side in place; ``side`` is 0 for the left."""
    height, width = image.shape[:2]
    wide, high = round(width * rng.uniform(0.05, 0.14)), round(height * rng.uniform(0.15, 0.4))
    x = round(width * rng.uniform(0.01, 0.1))
    x = x if side == 0 else width - x - wide
    y = round((height - high) * rng.uniform(0, 1))
    for place, tone in enumerate(((30, 30, 190), (30, 120, 230), (200, 205, 210))):
        left = x + place * wide // 3
        color = tuple(int(v * rng.uniform(0.6, 1.1)) for v in tone)
        cv2.rectangle(image, (left, y), (left + wide // 3, y + high), color, -1)


def _stripes(image: Image, rng: Rng) -> None:
    """Draws a hazard board in place: slanting stripes of red and white or yellow, whole or in two parts."""
    height, width = image.shape[:2]
    high = round(height * float(rng.uniform(0.1, 0.3)))
    top = round((height - high) * float(rng.uniform(0, 1)))
    xs, ys = np.meshgrid(np.arange(width), np.arange(high))
    slant = float(rng.choice((0.0, 1.0, -1.0)))
    on = ((xs + slant * ys) / (high * rng.uniform(0.8, 2.5))) % 1 < 0.5
    light = (235, 238, 240) if rng.random() < 0.5 else (30, 190, 240)
    board = np.where(on[..., None], np.array((35, 30, 205)), np.array(light)).astype(np.uint8)
    if rng.random() < 0.5:
        image[top : top + high] = board
    else:
        part = round(width * float(rng.uniform(0.2, 0.4)))
        image[top : top + high, :part] = board[:, :part]
        image[top : top + high, -part:] = board[:, -part:]


def _corners(box: Box) -> NDArray[np.float32]:
    left, top, right, bottom = box
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
