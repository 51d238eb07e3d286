"""Enlarged numbers painted on lorries and trailers (放大号): the text and the bodywork around it.

The standard fixes only the size. Real ones have one row or two, any font, stencil bridges and drips. Their letters may
be spread over the whole tailgate, crossed by ribs and doors, or be on a coloured board. The picture is a loose
rectangle around the text, a fifth to a third larger than the ink.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Image, Mask, Rng
from models.training.synthesis import wear
from models.training.synthesis.doors import door_fittings
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.lettering import by_hand, draw_lettering_style, one_row, two_rows
from models.training.synthesis.metal import Box, Drawn
from models.training.synthesis.surfaces import Textures, blend, filled, shade, unevenness

SPREAD = (0.5, 0.12)
"""Share of numbers in one row and in two whose letters are spread over the tailgate."""
BOARD = 0.08
"""Share of numbers on a board, each letter on a patch of yellow or white film."""
_BODY = np.array(
    [
        (150, 60, 20), (120, 40, 10), (35, 30, 170), (30, 30, 130), (60, 110, 30), (70, 80, 40), (225, 228, 228),
        (190, 195, 195), (120, 120, 120), (70, 70, 72), (35, 35, 38), (40, 170, 225), (60, 95, 130), (170, 130, 60),
        (90, 60, 30), (40, 75, 110), (240, 240, 240), (205, 215, 215), (165, 195, 215), (75, 35, 25), (40, 30, 75),
    ],
    np.float32,
)  # fmt: skip  # BGR
_PAINT = {
    "white": (240, 242, 242), "yellow": (40, 205, 245), "red": (40, 35, 205), "black": (18, 18, 20),
    "blue": (140, 50, 20), "bright blue": (205, 95, 25), "green": (50, 110, 20), "grey": (175, 178, 178),
}  # fmt: skip
_PAINT_SHARES = {
    "white": 6.0, "yellow": 2.0, "red": 1.5, "black": 2.0, "blue": 1.0, "bright blue": 1.0, "green": 0.5, "grey": 1.5,
}  # fmt: skip
MIN_CONTRAST = 70.0  # grey levels between paint and body
_FILM = np.array([(30, 170, 240), (40, 200, 245), (235, 238, 238), (30, 120, 235)], np.float32)  # BGR


def draw_painted(number: str, rows: int, glyphs: GlyphLibrary, textures: Textures, rng: Rng) -> Drawn:
    """Draws a painted number in one or two rows; characters are about 90 pixels high."""
    spread = rng.random() < SPREAD[rows - 1]
    ink, boxes = letters(number, rows, spread, glyphs, rng)
    level = wear.draw_level(rng)
    height, width = ink.shape
    if rng.random() < BOARD:
        image, body = _board(height, width, boxes, rng)
    else:
        image, body = bodywork(height, width, rng)
    image = painted(image, ink, contrasting(body, rng), textures, level, rng)
    image = door_fittings(image, boxes, body, rng) if spread else _ribs(image, rng)
    image = shade(image, unevenness(rng, height, width, float(rng.uniform(2, 16))))
    image = wear.weathered(image, textures, min(1.0, level * 1.3), 0.9, rng)
    return Drawn(image, None, boxes, rows)


def letters(number: str, rows: int, spread: bool, glyphs: GlyphLibrary, rng: Rng) -> tuple[Mask, tuple[Box, ...]]:
    """Draws the ink of a number with a margin around it. Returns it and the characters' boxes, in pixels."""
    style = draw_lettering_style(rng, spread)
    ink, boxes = two_rows(number, style, glyphs, rng) if rows == 2 else one_row(number, style, glyphs, rng)
    height, width = ink.shape
    sides = (0.01, 0.035) if spread else (0.02, 0.07)
    left, right = (round(width * float(rng.uniform(*sides))) for _ in range(2))
    top, bottom = (round(height * float(rng.uniform(0.05, 0.14))) for _ in range(2))
    ink = np.asarray(cv2.copyMakeBorder(ink, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0), dtype=np.uint8)
    return by_hand(ink, style, rng), tuple((x0 + left, y0 + top, x1 + left, y1 + top) for x0, y0, x1, y1 in boxes)


def painted(image: Image, ink: Mask, paint: np.ndarray, textures: Textures, level: float, rng: Rng) -> Image:
    """Returns ``image`` with the worn ``ink`` on it, which has the same height and width; ``level`` as in ``wear``."""
    if rng.random() < 0.25:
        image = _old_coat(image, ink, paint, rng)
    ink = wear.worn_ink(ink, textures, max(level, 0.35), rng)
    if rng.random() < 0.3:
        ink = np.asarray(cv2.GaussianBlur(ink, (0, 0), float(rng.uniform(0.8, 2.0))), dtype=np.uint8)  # spray
    return blend(image, ink, paint, float(rng.uniform(0.75, 1.0)))


def _board(height: int, width: int, boxes: tuple[Box, ...], rng: Rng) -> tuple[Image, np.ndarray]:
    """Draws a red or dark board with a patch of film behind each letter. Returns it and the film's colour."""
    board = np.array((35, 30, 200)) if rng.random() < 0.6 else rng.uniform(20, 90, 3)
    film = np.clip(_FILM[int(rng.integers(len(_FILM)))] + rng.normal(0, 10, 3), 0, 255)
    image = filled(height, width, np.clip(board + rng.normal(0, 10, 3), 0, 255))
    room = float(rng.uniform(0.02, 0.12)) * height
    for left, top, right, bottom in boxes:
        tone = tuple(int(v) for v in np.clip(film * rng.uniform(0.9, 1.08), 0, 255))
        corner = (round(left - room), round(top - room * rng.uniform(0.2, 1.0)))
        cv2.rectangle(image, corner, (round(right + room), round(bottom + room * rng.uniform(0.2, 1.0))), tone, -1)
    return image, film


def bodywork(height: int, width: int, rng: Rng) -> tuple[Image, np.ndarray]:
    """Draws a sheet or planks in one colour. Returns it and the colour (BGR)."""
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


def contrasting(body: np.ndarray, rng: Rng) -> np.ndarray:
    """Draws a paint (BGR) whose grey level differs enough from the body's to be read."""
    grey = np.array([0.114, 0.587, 0.299])
    fit = [name for name, bgr in _PAINT.items() if abs(float(grey @ (np.array(bgr) - body))) > MIN_CONTRAST]
    weights = np.array([_PAINT_SHARES[name] for name in fit])
    name = fit[int(rng.choice(len(fit), p=weights / weights.sum()))]
    return np.clip(np.array(_PAINT[name]) + rng.normal(0, 8, 3), 0, 255)


def _old_coat(image: Image, ink: Mask, paint: np.ndarray, rng: Rng) -> Image:
    """Adds the pale remains of the same number painted earlier, a little displaced."""
    shift = np.array([[1, 0, rng.uniform(-5, 5)], [0, 1, rng.uniform(-4, 4)]], np.float32)
    ghost = cv2.warpAffine(ink, shift, (ink.shape[1], ink.shape[0]))
    return blend(image, np.asarray(ghost, dtype=np.uint8), paint, float(rng.uniform(0.1, 0.35)))


def _ribs(image: Image, rng: Rng) -> Image:
    """Adds pressed ribs, a door gap, a hinge and rivets, all much narrower than a stroke."""
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
