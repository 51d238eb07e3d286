"""Wear of a plate. ``level`` is 0.0 (new) to 1.0 (a lorry in winter); every character stays readable.

Blur, noise, night and exposure come from the camera: see ``models.training.augment.degrade``.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Image, Mask, Rng
from models.training.synthesis.surfaces import Textures, blend

_DUST = np.array([(95, 120, 140), (70, 85, 100), (150, 165, 175), (40, 50, 60)], np.float32)  # BGR
_RUST = np.array([(20, 55, 110), (30, 70, 140), (15, 35, 70)], np.float32)


def draw_level(rng: Rng) -> float:
    """Draws a level: two plates in five are new."""
    return 0.0 if rng.random() < 0.4 else float(rng.beta(1.3, 2.6))


def worn_ink(ink: Mask, textures: Textures, level: float, rng: Rng) -> Mask:
    """Returns ``ink`` with flakes missing: a quarter of it at most."""
    if rng.random() > 0.5 * level + 0.08:
        return ink
    grain = textures.speckled(rng, *ink.shape)
    bar = 255 * float(rng.uniform(0.02, 0.06 + 0.18 * level))
    keep = np.clip((np.arange(256) - bar) * 12 + 128, float(rng.uniform(0, 110)), 255).astype(np.uint8)
    return np.asarray(cv2.multiply(ink, cv2.LUT(grain, keep), scale=1 / 255), dtype=np.uint8)


def weathered(image: Image, textures: Textures, level: float, scale: float, rng: Rng) -> Image:
    """Returns ``image`` with fading, dust, mud, scratches and rust, each at random."""
    if level <= 0:
        return image
    if rng.random() < 0.35:
        grey = np.full(3, rng.uniform(90, 215))
        image = np.asarray(cv2.addWeighted(image, 1 - 0.35 * level, image, 0, float(grey[0] * 0.35 * level)), np.uint8)
    if rng.random() < 0.55:
        image = _dust(image, textures, level, rng)
    if rng.random() < 0.35 * level + 0.1:
        image = _rust(image, textures, level, scale, rng)
    if rng.random() < 0.4:
        image = _scratches(image, level, scale, rng)
    if rng.random() < 0.35:
        image = _mud(image, level, scale, rng)
    return image


def _some(colors: np.ndarray, rng: Rng) -> np.ndarray:
    return np.asarray(np.clip(colors[int(rng.integers(len(colors)))] + rng.normal(0, 12, 3), 0, 255))


def _dust(image: Image, textures: Textures, level: float, rng: Rng) -> Image:
    height, width = image.shape[:2]
    field = textures.cloudy(rng, height, width) if rng.random() < 0.5 else textures.speckled(rng, height, width)
    bar = 255 * (1 - float(rng.uniform(0.15, 0.7)))
    gain = float(rng.uniform(0.8, 6))
    mask = cv2.LUT(field, np.clip((np.arange(256) - bar) * gain, 0, 255).astype(np.uint8))
    strength = float(rng.uniform(0.15, 0.25 + 0.4 * level))
    return blend(image, np.asarray(mask, dtype=np.uint8), _some(_DUST, rng), strength)


def _rust(image: Image, textures: Textures, level: float, scale: float, rng: Rng) -> Image:
    """Adds rust along the edges and in a few patches."""
    height, width = image.shape[:2]
    grain = textures.speckled(rng, height, width).astype(np.float32)
    rows = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    columns = np.minimum(np.arange(width), np.arange(width)[::-1])[None]
    edge = np.minimum(rows, columns) / (float(rng.uniform(4, 14)) * scale)
    mask = np.clip((grain / 255 - 0.75 + 0.5 * level - 0.55 * np.minimum(edge, 2.0)) * 900, 0, 255).astype(np.uint8)
    return blend(image, mask, _some(_RUST, rng), float(rng.uniform(0.4, 0.85)))


def _scratches(image: Image, level: float, scale: float, rng: Rng) -> Image:
    height, width = image.shape[:2]
    out = image.copy()
    for _ in range(int(rng.integers(1, 3 + round(7 * level)))):
        start = rng.uniform((0, 0), (width, height))
        angle, length = rng.uniform(0, np.pi), rng.uniform(8, 90) * scale
        end = start + length * np.array((np.cos(angle), np.sin(angle)))
        tone = rng.uniform(40, 235)
        color = tuple(int(v) for v in np.clip(tone + rng.normal(0, 10, 3), 0, 255))
        points = [(int(p[0]), int(p[1])) for p in (start, end)]
        cv2.line(out, points[0], points[1], color, 1, cv2.LINE_AA)
    return np.asarray(cv2.addWeighted(out, 0.75, image, 0.25, 0), dtype=np.uint8)


def _mud(image: Image, level: float, scale: float, rng: Rng) -> Image:
    """Adds splashes, more of them at the bottom. Each is smaller than a stroke is long."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(2, 6 + round(30 * level)))):
        radius = min(float(rng.exponential(1.6)) + 0.5, 6.5 + 2 * level) * scale
        center = (int(rng.uniform(0, width)), int(height * (1 - rng.beta(1, 2))))
        axes = (max(1, round(radius)), max(1, round(radius * rng.uniform(0.5, 1.4))))
        turn, depth = float(rng.uniform(0, 180)), int(rng.integers(150, 256))
        cv2.ellipse(mask, center, axes, turn, 0, 360, depth, -1, cv2.LINE_AA)
    return blend(image, mask, _some(_DUST, rng), float(rng.uniform(0.5, 0.95)))


def bent(image: Image, strength: float, rng: Rng) -> Image:
    """Returns a bent sheet: displaced smoothly by up to ``strength`` pixels, not at all at the corners."""
    height, width = image.shape[:2]
    grid = rng.uniform(-strength, strength, (2, 4, 6)).astype(np.float32)
    for y in (0, -1):
        for x in (0, -1):
            grid[:, y, x] = 0
    field_x = cv2.resize(grid[0], (width, height), interpolation=cv2.INTER_CUBIC)
    field_y = cv2.resize(grid[1], (width, height), interpolation=cv2.INTER_CUBIC)
    field_x += np.arange(width, dtype=np.float32)[None]
    field_y += np.arange(height, dtype=np.float32)[:, None]
    moved = cv2.remap(image, field_x, field_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)
