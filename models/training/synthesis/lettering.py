"""Lines of painted characters: any font, proportions and gaps, stencil bridges, unsteady lines.

A number painted on a lorry has one row or two. Its letters are close together or spread over the whole rear.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.training.arrays import Mask, Rng
from models.training.synthesis import fittings
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.metal import Box
from models.training.synthesis.surfaces import paste

SIZE = 90
"""Height of a character in pixels."""
SPREAD_ASPECT = (4.5, 10.5)
"""Width by height of a number whose letters are spread over the whole tailgate."""
_STEMMED = frozenset("147TYJMNVW")  # an upright bridge in the middle would take their stem


@dataclass(frozen=True, slots=True)
class LetteringStyle:
    """How one number is painted: font, proportions (shares of a character's height) and unsteadiness.

    ``uneven`` is the standard deviation of the gaps' logarithm, ``wobble`` that of sizes and places of characters.
    """

    family: str
    weight: int
    aspect: float
    gap: float
    uneven: float
    wobble: float
    stencil: bool
    dot: bool


def draw_lettering_style(rng: Rng, spread: bool) -> LetteringStyle:
    """A style by chance; ``spread`` puts wide and uneven gaps between the characters."""
    family = str(rng.choice(("140", "220_down", "green", "noto", "wqy", "platechar"), p=(0.3, 0.1, 0.1, 0.2, 0.2, 0.1)))
    aspect = float(rng.uniform(0.42, 0.85))
    gap = float(rng.uniform(0.06, 0.3))
    if spread:
        gap = max(0.3, (float(rng.uniform(*SPREAD_ASPECT)) - 7 * aspect) / 6)
    return LetteringStyle(
        family=family,
        weight=int(rng.integers(-1, 3)),
        aspect=aspect,
        gap=gap,
        uneven=float(rng.choice((0.0, 0.1, 0.3))) if spread else 0.0,
        wobble=float(rng.choice((0.0, 0.01, 0.03))),
        stencil=bool(rng.random() < 0.35),
        dot=bool(rng.random() < (0.1 if spread else 0.4)),
    )


def _line(
    text: str,
    style: LetteringStyle,
    size: int,
    aspect: float,
    glyphs: GlyphLibrary,
    rng: Rng,
    dot_after: int,
) -> tuple[Mask, list[Box]]:
    """Returns a line of characters ``size`` pixels high and their boxes.

    ``dot_after`` is the index of the character before the dot; -1 for none.
    """
    gaps = np.maximum(2.0, size * style.gap * np.exp(rng.normal(0, style.uneven, len(text))))
    pad = round(size * style.wobble * 2) + 2
    length = round(len(text) * size * aspect * (1 + 3 * style.wobble) + gaps.sum() + gaps.max() * 3 + size * 0.3)
    mask = np.zeros((size + 2 * pad, length), np.uint8)
    boxes: list[Box] = []
    x = float(pad)
    for place, character in enumerate(text):
        scale = 1 + float(rng.normal(0, style.wobble))
        width = size * aspect * scale
        piece = glyphs.fitted(style.family, character, round(width), round(size * scale), style.weight)
        piece = _stencilled(piece, character, rng) if style.stencil else piece
        left = x + (width - piece.shape[1]) / 2
        y = pad + float(np.clip(rng.normal(0, style.wobble), -0.06, 0.06)) * size
        paste(mask, piece, left, y)
        boxes.append((left, y, left + piece.shape[1], y + piece.shape[0]))
        gap = float(gaps[place])
        x += width + gap
        if place == dot_after:
            radius = size * float(rng.uniform(0.04, 0.08))
            x += radius
            fittings.dot(mask, x, pad + size * 0.5, 2 * radius, 2 * radius)
            x += radius + gap
    return mask[:, : round(min(x - float(gaps[-1]) + pad, length))], boxes


def one_row(number: str, style: LetteringStyle, glyphs: GlyphLibrary, rng: Rng) -> tuple[Mask, tuple[Box, ...]]:
    """Returns the ink of a number in one row and its characters' boxes."""
    mask, boxes = _line(number, style, SIZE, style.aspect, glyphs, rng, 1 if style.dot else -1)
    return mask, tuple(boxes)


def two_rows(number: str, style: LetteringStyle, glyphs: GlyphLibrary, rng: Rng) -> tuple[Mask, tuple[Box, ...]]:
    """Returns ``P A`` above the serial, as on the rear plate: lower and wider, or of the same size."""
    upper_size = round(SIZE * float(rng.uniform(0.55, 1.0)))
    upper_aspect = style.aspect * float(rng.uniform(1.0, 1.7))
    upper, upper_boxes = _line(number[:2], style, upper_size, upper_aspect, glyphs, rng, 0 if style.dot else -1)
    lower, lower_boxes = _line(number[2:], style, SIZE, style.aspect, glyphs, rng, -1)
    gap = round(SIZE * float(rng.uniform(0.1, 0.4)))
    width = max(upper.shape[1], lower.shape[1])
    mask = np.zeros((upper.shape[0] + gap + lower.shape[0], width), np.uint8)
    upper_x = round((width - upper.shape[1]) * float(np.clip(rng.normal(0.5, 0.08), 0, 1)))
    lower_x = (width - lower.shape[1]) // 2
    down = upper.shape[0] + gap
    paste(mask, upper, upper_x, 0)
    paste(mask, lower, lower_x, down)
    boxes = [(a + upper_x, b, c + upper_x, d) for a, b, c, d in upper_boxes]
    boxes += [(a + lower_x, b + down, c + lower_x, d + down) for a, b, c, d in lower_boxes]
    return mask, tuple(boxes)


def _stencilled(piece: Mask, character: str, rng: Rng) -> Mask:
    """Adds the bridges that hold a stencil together. No character loses a stem to a bridge."""
    out = piece.copy()
    height, width = out.shape
    bridge = max(2, round(height * float(rng.uniform(0.025, 0.05))))
    if character in _STEMMED:
        level = round(height * float(rng.uniform(0.42, 0.6)))
        out[level : level + bridge] = 0
        return out
    at = rng.uniform(0.45, 0.55) if character.isascii() else rng.choice((0.27, 0.73)) + rng.normal(0, 0.03)
    middle = round(width * float(at))
    out[:, middle - bridge // 2 : middle - bridge // 2 + bridge] = 0
    return out


def by_hand(ink: Mask, style: LetteringStyle, rng: Rng) -> Mask:
    """Returns ``ink`` with unsteady lines and drips."""
    height, width = ink.shape
    if style.wobble:
        reach = float(rng.uniform(0.5, 2.5))
        grid = rng.normal(0, reach, (2, 6, 16)).astype(np.float32)
        field_x = cv2.resize(grid[0], (width, height)) + np.arange(width, dtype=np.float32)[None]
        field_y = cv2.resize(grid[1], (width, height)) + np.arange(height, dtype=np.float32)[:, None]
        ink = np.asarray(cv2.remap(ink, field_x, field_y, cv2.INTER_LINEAR), dtype=np.uint8)
    if rng.random() < 0.2:
        ink = ink.copy()
        ys, xs = np.nonzero(ink[::4, ::4] > 200)
        for place in rng.integers(0, len(ys), int(rng.integers(2, 9))) if len(ys) else ():
            x, y = int(xs[place]) * 4, int(ys[place]) * 4
            cv2.line(ink, (x, y), (x, y + int(rng.exponential(14))), 220, int(rng.integers(1, 3)), cv2.LINE_AA)
    return ink
