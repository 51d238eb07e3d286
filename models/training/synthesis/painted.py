"""Enlarged numbers painted on lorries and trailers (放大号): the text and the bodywork round it.

The standard fixes only the size, so hands differ: one row or two, any font, stencils, drips, ribs through characters.
The picture is a loose rectangle round the text, a fifth to a third larger than the ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.training.arrays import Image, Mask
from models.training.synthesis import fittings, wear
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.metal import Box, Drawn
from models.training.synthesis.surfaces import Textures, blend, filled, paste, shade, unevenness

_BODY = np.array(
    [
        (150, 60, 20), (120, 40, 10), (35, 30, 170), (30, 30, 130), (60, 110, 30), (70, 80, 40), (225, 228, 228),
        (190, 195, 195), (120, 120, 120), (70, 70, 72), (35, 35, 38), (40, 170, 225), (60, 95, 130), (170, 130, 60),
        (90, 60, 30), (40, 75, 110),
    ],
    np.float32,
)  # fmt: skip  # BGR
_PAINT = {
    "white": (240, 242, 242), "yellow": (40, 205, 245), "red": (40, 35, 205), "black": (18, 18, 20),
    "blue": (140, 50, 20), "green": (50, 110, 20),
}  # fmt: skip
MIN_CONTRAST = 70.0  # grey levels between paint and body
_STEMMED = frozenset("147TYJMNVW")  # an upright bridge in the middle would take their stem


@dataclass(frozen=True, slots=True)
class Script:
    """One painter's way: font, proportions (of the height of a character) and unsteadiness."""

    family: str
    weight: int
    aspect: float
    gap: float
    wobble: float
    stencil: bool
    dot: bool


def draw_painted(number: str, rows: int, glyphs: GlyphLibrary, textures: Textures, rng: np.random.Generator) -> Drawn:
    """A painted number in one or two rows; characters are about 90 pixels high."""
    script = _script(rng)
    ink, boxes = _two_rows(number, script, glyphs, rng) if rows == 2 else _one_row(number, script, glyphs, rng)
    height, width = ink.shape
    left, right = (round(width * float(rng.uniform(0.02, 0.07))) for _ in range(2))
    top, bottom = (round(height * float(rng.uniform(0.05, 0.14))) for _ in range(2))
    ink = np.asarray(cv2.copyMakeBorder(ink, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0), dtype=np.uint8)
    boxes = tuple((x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in boxes)
    ink = _by_hand(ink, script, rng)
    level = wear.draw_level(rng)
    image, body = _bodywork(ink.shape[0], ink.shape[1], rng)
    paint = _contrasting(body, rng)
    if rng.random() < 0.25:
        image = _old_coat(image, ink, paint, rng)
    ink = wear.worn_ink(ink, textures, max(level, 0.35), rng)
    if rng.random() < 0.3:
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.8, 2.0))), dtype=np.uint8)  # spray
    image = blend(image, ink, paint, float(rng.uniform(0.75, 1.0)))
    image = _ribs(image, rng)
    image = shade(image, unevenness(rng, ink.shape[0], ink.shape[1], float(rng.uniform(2, 16))))
    image = wear.weathered(image, textures, min(1.0, level * 1.3), 0.9, rng)
    return Drawn(image, None, boxes, rows)


def _script(rng: np.random.Generator) -> Script:
    family = str(rng.choice(("140", "220_down", "green", "noto", "wqy", "platechar"), p=(0.3, 0.1, 0.1, 0.2, 0.2, 0.1)))
    return Script(
        family=family,
        weight=int(rng.integers(-1, 3)),
        aspect=float(rng.uniform(0.42, 0.85)),
        gap=float(rng.uniform(0.06, 0.3)),
        wobble=float(rng.choice((0.0, 0.01, 0.03))),
        stencil=bool(rng.random() < 0.35),
        dot=bool(rng.random() < 0.4),
    )


def _line(
    text: str, script: Script, size: int, aspect: float, glyphs: GlyphLibrary, rng: np.random.Generator, dot_after: int
) -> tuple[Mask, list[Box]]:
    """One line of characters ``size`` pixels high; ``dot_after`` -1 for none."""
    gap = max(2.0, size * script.gap)
    pad = round(size * script.wobble * 2) + 2
    length = round(len(text) * (size * aspect + gap) + gap * 3 + size * 0.3)
    mask = np.zeros((size + 2 * pad, length), np.uint8)
    boxes: list[Box] = []
    x = float(pad)
    for place, character in enumerate(text):
        scale = 1 + float(rng.normal(0, script.wobble))
        width = size * aspect * scale
        piece = glyphs.fitted(script.family, character, round(width), round(size * scale), script.weight)
        piece = _stencilled(piece, character, rng) if script.stencil else piece
        left = x + (width - piece.shape[1]) / 2
        y = pad + float(np.clip(rng.normal(0, script.wobble), -0.06, 0.06)) * size
        paste(mask, piece, left, y)
        boxes.append((left, y, left + piece.shape[1], y + piece.shape[0]))
        x += width + gap
        if place == dot_after:
            radius = size * float(rng.uniform(0.04, 0.08))
            x += radius
            fittings.dot(mask, x, pad + size * 0.5, 2 * radius, 2 * radius)
            x += radius + gap
    return mask[:, : round(min(x - gap + pad, length))], boxes


def _one_row(
    number: str, script: Script, glyphs: GlyphLibrary, rng: np.random.Generator
) -> tuple[Mask, tuple[Box, ...]]:
    mask, boxes = _line(number, script, 90, script.aspect, glyphs, rng, 1 if script.dot else -1)
    return mask, tuple(boxes)


def _two_rows(
    number: str, script: Script, glyphs: GlyphLibrary, rng: np.random.Generator
) -> tuple[Mask, tuple[Box, ...]]:
    """``P A`` above the serial, as on the rear plate: lower and wider, or of one size with it."""
    upper_size = round(90 * float(rng.uniform(0.55, 1.0)))
    upper_aspect = script.aspect * float(rng.uniform(1.0, 1.7))
    upper, upper_boxes = _line(number[:2], script, upper_size, upper_aspect, glyphs, rng, 0 if script.dot else -1)
    lower, lower_boxes = _line(number[2:], script, 90, script.aspect, glyphs, rng, -1)
    gap = round(90 * float(rng.uniform(0.1, 0.4)))
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


def _stencilled(piece: Mask, character: str, rng: np.random.Generator) -> Mask:
    """Bridges across the strokes, as a stencil needs them to hold together; no stem of a character is lost to one."""
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


def _by_hand(ink: Mask, script: Script, rng: np.random.Generator) -> Mask:
    """Unsteady lines and drips."""
    height, width = ink.shape
    if script.wobble:
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


def _bodywork(height: int, width: int, rng: np.random.Generator) -> tuple[Image, np.ndarray]:
    """Sheet or planks in one colour; returns it with the colour."""
    body = np.clip(_BODY[int(rng.integers(len(_BODY)))] + rng.normal(0, 14, 3), 0, 255)
    image = filled(height, width, body)
    roll = rng.random()
    if roll < 0.2:  # planks
        step = height * float(rng.uniform(0.18, 0.5))
        for y in np.arange(rng.uniform(0, step), height, step):
            tone = body * rng.uniform(0.85, 1.1)
            image[round(y) :] = np.clip(tone, 0, 255).astype(np.uint8)
            cv2.line(image, (0, round(y)), (width, round(y)), tuple(int(v) for v in body * 0.4), 2)
    elif roll < 0.35:  # a framed panel
        frame = tuple(int(v) for v in body * 0.6)
        cv2.rectangle(image, (2, 2), (width - 3, height - 3), frame, int(rng.integers(2, 6)))
    return image, body


def _contrasting(body: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A paint that stands out from the body in grey, so that it can be read."""
    grey = np.array([0.114, 0.587, 0.299])
    shares = {"white": 6.0, "yellow": 2.0, "red": 1.5, "black": 2.0, "blue": 1.0, "green": 0.5}
    fit = [name for name, bgr in _PAINT.items() if abs(float(grey @ (np.array(bgr) - body))) > MIN_CONTRAST]
    weights = np.array([shares[name] for name in fit])
    name = fit[int(rng.choice(len(fit), p=weights / weights.sum()))]
    return np.clip(np.array(_PAINT[name]) + rng.normal(0, 8, 3), 0, 255)


def _old_coat(image: Image, ink: Mask, paint: np.ndarray, rng: np.random.Generator) -> Image:
    """A pale shadow of the same number painted before, a little off."""
    shift = np.array([[1, 0, rng.uniform(-5, 5)], [0, 1, rng.uniform(-4, 4)]], np.float32)
    ghost = cv2.warpAffine(ink, shift, (ink.shape[1], ink.shape[0]))
    return blend(image, np.asarray(ghost, dtype=np.uint8), paint, float(rng.uniform(0.1, 0.35)))


def _ribs(image: Image, rng: np.random.Generator) -> Image:
    """Pressed ribs, a door gap, hinges, rivets: all narrower than a stroke can spare."""
    height, width = image.shape[:2]
    light = np.zeros((height, width), np.int16)
    roll = rng.random()
    if roll < 0.35:
        upright = rng.random() < 0.75
        pitch = float(rng.uniform(28, 90))
        wave = np.sin(np.arange(width if upright else height) * (2 * np.pi / pitch) + rng.uniform(0, 6.3))
        profile = (np.clip(wave * 4, -1, 1) * rng.uniform(5, 26)).astype(np.int16)
        light += profile[None, :] if upright else profile[:, None]
    out = shade(image, light)
    if rng.random() < 0.2:  # gap between two doors
        x = int(rng.uniform(0.2, 0.8) * width)
        dark = tuple(int(v) for v in rng.integers(10, 50, 3))
        cv2.line(out, (x, 0), (x, height), dark, int(rng.integers(1, 4)))
        if rng.random() < 0.5:
            y = int(rng.uniform(0.0, 0.9) * height)
            cv2.rectangle(out, (x - 9, y), (x + 9, y + int(rng.integers(4, 9))), dark, -1)
    if rng.random() < 0.2:
        tone = tuple(int(v) for v in rng.integers(60, 200, 1).repeat(3))
        y = int(rng.uniform(0.02, 0.98) * height)
        for x in range(int(rng.uniform(4, 40)), width, int(rng.uniform(24, 60))):
            cv2.circle(out, (x, y), 2, tone, -1, cv2.LINE_AA)
    return out
