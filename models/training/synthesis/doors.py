"""Fittings between and across the letters on a lorry's doors: ribs, seams, lock rods, hinges, reflective strips."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from models.training.arrays import Image, Rng
from models.training.synthesis.metal import Box
from models.training.synthesis.surfaces import shade

BETWEEN = 0.75
"""Share of seams and rods between two letters; the others are anywhere and may cross a letter."""
Bgr = tuple[int, int, int]


def door_fittings(image: Image, boxes: tuple[Box, ...], body: np.ndarray, rng: Rng) -> Image:
    """Returns ``image``, uint8 (H, W, 3), with the fittings of a pair of doors over it.

    ``boxes`` are the letters in pixels, ``body`` is the colour (BGR) of the sheet.
    """
    height, width = image.shape[:2]
    size = float(np.median([bottom - top for _, top, _, bottom in boxes]))
    gaps = [(a[2] + b[0]) / 2 for a, b in pairwise(boxes) if b[0] > a[2]]
    out = _ribs(image, size, rng) if rng.random() < 0.6 else image.copy()
    if rng.random() < 0.3:
        _straps(out, boxes, size, body, rng)
    if rng.random() < 0.7:
        _seam(out, _place(gaps, width, rng), size, body, rng)
    for _ in range(int(rng.choice((0, 1, 2, 4), p=(0.4, 0.15, 0.25, 0.2)))):
        _rod(out, _place(gaps, width, rng), size, body, rng)
    if rng.random() < 0.2:
        _strip(out, size, rng)
    if rng.random() < 0.25:  # the joint of two sheets, or the edge of a lid
        y = round(height * float(rng.choice((rng.uniform(0.0, 0.12), rng.uniform(0.88, 1.0)))))
        cv2.line(out, (0, y), (width, y), _tone(body * rng.uniform(0.3, 0.8)), int(rng.integers(1, 5)), cv2.LINE_AA)
    return out


def _place(gaps: list[float], width: int, rng: Rng) -> int:
    if gaps and rng.random() < BETWEEN:
        return round(gaps[int(rng.integers(len(gaps)))])
    return int(rng.uniform(0.02, 0.98) * width)


def _tone(color: np.ndarray) -> Bgr:
    blue, green, red = (int(v) for v in np.clip(color, 0, 255))
    return blue, green, red


def _ribs(image: Image, size: float, rng: Rng) -> Image:
    """Adds pressed ribs at an even pitch, each a bright edge beside a dark one; three in four are upright."""
    height, width = image.shape[:2]
    upright = rng.random() < 0.75
    length = width if upright else height
    pitch = size * float(np.exp(rng.uniform(np.log(0.25), np.log(2.5))))
    phase = (np.arange(length) + rng.uniform(0, pitch)) % pitch
    wide = max(1.5, size * float(rng.uniform(0.02, 0.09)))
    depth = float(rng.uniform(6, 38)) * float(rng.choice((-1.0, 1.0)))
    profile = np.where(phase < wide, depth, np.where(phase < 2 * wide, -depth, 0.0)).astype(np.int16)
    light = np.broadcast_to(profile[None, :] if upright else profile[:, None], (height, width))
    return shade(image, np.ascontiguousarray(light))


def _seam(image: Image, x: int, size: float, body: np.ndarray, rng: Rng) -> None:
    """Draws the gap between two doors in place, with a seal or a bright edge beside it."""
    height = image.shape[0]
    wide = max(1, round(size * float(rng.uniform(0.015, 0.06))))
    cv2.line(image, (x + wide, 0), (x + wide, height), _tone(body * rng.uniform(0.8, 1.3)), wide)
    cv2.line(image, (x, 0), (x, height), _tone(np.minimum(body * 0.3, rng.uniform(10, 60))), wide)


def _rod(image: Image, x: int, size: float, body: np.ndarray, rng: Rng) -> None:
    """Draws a lock rod from top to bottom in place, with clamps and sometimes a handle."""
    height = image.shape[0]
    steel = body * rng.uniform(0.7, 1.2) if rng.random() < 0.5 else np.full(3, rng.uniform(60, 215))
    wide = max(2, round(size * float(rng.uniform(0.04, 0.1))))
    cv2.rectangle(image, (x - wide // 2, 0), (x + wide // 2, height), _tone(steel), -1)
    cv2.line(image, (x - wide // 4, 0), (x - wide // 4, height), _tone(steel * 1.35 + 15), max(1, wide // 4))
    cv2.line(image, (x + wide // 2 + 1, 0), (x + wide // 2 + 1, height), _tone(steel * 0.5), 1)
    for _ in range(int(rng.integers(0, 3))):
        y, half = int(rng.uniform(0, height)), round(wide * rng.uniform(0.9, 1.8))
        cv2.rectangle(
            image, (x - half, y), (x + half, y + round(wide * rng.uniform(0.8, 1.8))), _tone(steel * 0.75), -1
        )
    if rng.random() < 0.25:
        y = round(height * float(rng.choice((rng.uniform(-0.05, 0.15), rng.uniform(0.85, 1.05)))))
        reach = round(size * rng.uniform(0.3, 0.8)) * int(rng.choice((-1, 1)))
        cv2.line(image, (x, y), (x + reach, y + round(size * rng.normal(0, 0.05))), _tone(steel * 0.6), wide)


def _straps(image: Image, boxes: tuple[Box, ...], size: float, body: np.ndarray, rng: Rng) -> None:
    """Draws hinge straps between the letters in place: level bars at one height, similar to dashes."""
    level = float(np.median([(top + bottom) / 2 for _, top, _, bottom in boxes])) + size * float(rng.normal(0, 0.15))
    tone = _tone(body * rng.uniform(0.5, 0.9) if rng.random() < 0.5 else np.full(3, rng.uniform(90, 230)))
    thick = max(1, round(size * float(rng.uniform(0.03, 0.12))))
    for one, other in pairwise(boxes):
        room = other[0] - one[2]
        if room > size * 0.2 and rng.random() < 0.8:
            start, end = round(one[2] + 0.2 * room), round(other[0] - 0.2 * room)
            cv2.line(image, (start, round(level)), (end, round(level)), tone, thick)


def _strip(image: Image, size: float, rng: Rng) -> None:
    """Draws a strip of red and white reflectors along the upper or lower edge in place."""
    height, width = image.shape[:2]
    high = max(2, round(size * float(rng.uniform(0.05, 0.11))))
    top = 0 if rng.random() < 0.5 else height - high
    step = round(size * float(rng.uniform(0.5, 1.6)))
    start = int(rng.integers(0, step))
    for place, x in enumerate(range(-start, width, step)):
        tone = (35, 30, 205) if place % 2 else (235, 238, 240)
        cv2.rectangle(image, (x, top), (x + step, top + high), tone, -1)
