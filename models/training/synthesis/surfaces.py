"""Painting with masks: textures, blending, relief, grounds. All pictures are uint8, BGR; no argument is changed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Image, Mask, Rng
from models.training.synthesis import palettes
from models.training.synthesis.layouts import Layout

_TEXTURE_SIZE = (640, 1280)


class Textures:
    """Large noise fields, made once. Crops of them serve as unevenness, dirt and wear."""

    def __init__(self, seed: int = 20) -> None:
        rng = np.random.default_rng(seed)
        self._cloudy = [_octaves(rng, (3, 6, 12, 24, 48)) for _ in range(4)]
        self._speckled = [_octaves(rng, (12, 48, 160, 320)) for _ in range(4)]

    def cloudy(self, rng: Rng, height: int, width: int) -> Mask:
        """Draws smooth patches: uint8 (height, width), 0-255 with an even histogram."""
        return _crop(self._cloudy, rng, height, width)

    def speckled(self, rng: Rng, height: int, width: int) -> Mask:
        """Draws grains of 1 to 50 pixels: uint8 (height, width), 0-255 with an even histogram."""
        return _crop(self._speckled, rng, height, width)


def _octaves(rng: Rng, cells: Sequence[int]) -> Mask:
    height, width = _TEXTURE_SIZE
    total = np.zeros(_TEXTURE_SIZE, np.float32)
    for octave, count in enumerate(cells):
        grid = rng.normal(0, 0.75**octave, (count, 2 * count)).astype(np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = total.min(), total.max()
    return np.asarray(cv2.equalizeHist(((total - low) * (255 / (high - low))).astype(np.uint8)), dtype=np.uint8)


def _crop(fields: list[Mask], rng: Rng, height: int, width: int) -> Mask:
    field = fields[int(rng.integers(len(fields)))]
    if rng.random() < 0.5:
        field = field[:, ::-1]
    if rng.random() < 0.5:
        field = field[::-1]
    if height > field.shape[0] or width > field.shape[1]:
        return np.asarray(cv2.resize(field, (width, height)), dtype=np.uint8)
    top = int(rng.integers(field.shape[0] - height + 1))
    left = int(rng.integers(field.shape[1] - width + 1))
    return np.ascontiguousarray(field[top : top + height, left : left + width])


def filled(height: int, width: int, color: NDArray[np.floating]) -> Image:
    """Returns a picture of one colour (BGR, 0-255)."""
    image = np.empty((height, width, 3), np.uint8)
    tone = tuple(int(v) for v in np.clip(color, 0, 255))
    cv2.rectangle(image, (0, 0), (width, height), tone, -1)  # ten times as fast as assigning a colour in numpy
    return image


def blend(image: Image, mask: Mask, color: NDArray[np.floating] | Image, strength: float = 1.0) -> Image:
    """Returns ``image`` with ``color`` over it where ``mask`` is 255, at ``strength`` 0.0-1.0.

    ``color`` is one colour or a picture of the same size.
    """
    weight = np.multiply(mask, np.float32(strength / 255), dtype=np.float32)
    over: Image = np.asarray(color, dtype=np.uint8)
    if color.ndim == 1:
        over = filled(mask.shape[0], mask.shape[1], np.asarray(color, dtype=np.float32))
    return np.asarray(cv2.blendLinear(over, image, weight, 1 - weight), dtype=np.uint8)


def paste(mask: Mask, piece: Mask, x: float, y: float) -> None:
    """Adds the ink of ``piece`` to ``mask`` in place, its top-left corner at (x, y). Ink outside of it is cut off."""
    left, top = round(x), round(y)
    height, width = piece.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, mask.shape[1]), min(top + height, mask.shape[0])
    if x0 < x1 and y0 < y1:
        target = mask[y0:y1, x0:x1]
        np.maximum(target, piece[y0 - top : y1 - top, x0 - left : x1 - left], out=target)


def shade(image: Image, light: NDArray[np.int16]) -> Image:
    """Returns ``image`` with ``light``, int16 (height, width), added to all three channels."""
    return np.asarray(cv2.add(image, cv2.merge([light, light, light]), dtype=cv2.CV_8U), dtype=np.uint8)


def relief(raised: Mask, angle: float, strength: float) -> NDArray[np.int16]:
    """Returns the highlights and shadows at the edges of ``raised``, lit from ``angle`` (radians, 0 from the right)."""
    dx, dy = np.cos(angle), np.sin(angle)
    slope = np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], np.float32) * dx
    slope += np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], np.float32) * dy
    return np.asarray(cv2.filter2D(raised, cv2.CV_16S, slope * np.float32(strength / (3 * 255))), dtype=np.int16)


def unevenness(rng: Rng, height: int, width: int, depth: float) -> NDArray[np.int16]:
    """Draws slow changes of brightness over a sheet, within about 2 x ``depth`` grey levels."""
    grid = rng.normal(0, depth, (3, 5)).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.int16)


@lru_cache(maxsize=64)
def rounded(height: int, width: int, inset: float, radius: float) -> Mask:
    """Returns a rounded rectangle, ``inset`` from the edges, anti-aliased. It is shared: do not write into it."""
    fine = 4
    canvas = np.zeros((height * fine, width * fine), np.uint8)
    low, radius_fine = round(inset * fine), max(1, round(radius * fine))
    right, bottom = width * fine - 1 - low, height * fine - 1 - low
    cv2.rectangle(canvas, (low + radius_fine, low), (right - radius_fine, bottom), 255, -1)
    cv2.rectangle(canvas, (low, low + radius_fine), (right, bottom - radius_fine), 255, -1)
    for x in (low + radius_fine, right - radius_fine):
        for y in (low + radius_fine, bottom - radius_fine):
            cv2.circle(canvas, (x, y), radius_fine, 255, -1)
    return np.asarray(cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@lru_cache(maxsize=64)
def frame_line(layout: Layout, height: int, width: int) -> Mask:
    """Returns the frame line of the plate. It is shared: do not write into it."""
    scale = width / layout.width
    outer_inset, thick = layout.frame_inset * scale, layout.frame_width * scale
    radius = max(layout.radius * scale - outer_inset, 2.0)
    outer = rounded(height, width, outer_inset, radius)
    inner = rounded(height, width, outer_inset + thick, max(radius - thick, 1.0))
    return np.asarray(cv2.subtract(outer, inner), dtype=np.uint8)


def ground(name: str, height: int, width: int, scale: float, rng: Rng) -> Image:
    """Draws the coloured sheet of the palette ``name``; ``scale`` is pixels per mm."""
    if name == "nev_small":
        return _vertical(height, width, palettes.nev_small(rng), float(rng.uniform(0.35, 0.65)))
    if name == "nev_large":
        return _nev_large(height, width, scale, rng)
    return filled(height, width, palettes.draw(name, rng, 3.5 if name in ("white", "black") else 7.0))


def _vertical(height: int, width: int, colors: NDArray[np.float32], middle: float) -> Image:
    rows = np.arange(height) / max(height - 1, 1)
    stops = np.array([0.0, middle, 1.0])
    column = np.stack([np.interp(rows, stops, colors[:, c]) for c in range(3)], axis=1).astype(np.uint8)
    return np.asarray(cv2.resize(column[:, None], (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def _nev_large(height: int, width: int, scale: float, rng: Rng) -> Image:
    yellow, green = palettes.nev_large(rng)
    if rng.random() < 0.5:
        lighter = np.clip(green + rng.uniform(-10, 40), 0, 255)
        right = _vertical(height, width, np.stack([lighter, (lighter + green) / 2, green]).astype(np.float32), 0.5)
    else:
        right = filled(height, width, green)
    mask = np.zeros((height, width), np.uint8)
    start = round(float(rng.uniform(129, 134)) * scale)
    if rng.random() < 0.6:  # a panel with yellow all around it; else the green reaches the right edge
        mask[round(12 * scale) : round(128 * scale), start : round(472 * scale)] = 255
    else:
        mask[:, start:] = 255
    return blend(filled(height, width, yellow), mask, right)
