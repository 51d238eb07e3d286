"""Pressed metal plates, drawn layer by layer: ground, faint marks, ink, relief, fittings, wear."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import PROVINCES
from models.training.arrays import Image, Mask, Rng
from models.training.synthesis import fittings, palettes, wear
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.kinds import KindStyle
from models.training.synthesis.layouts import Family, Layout, Slot
from models.training.synthesis.surfaces import (
    Textures,
    blend,
    frame_line,
    ground,
    paste,
    relief,
    rounded,
    shade,
    unevenness,
)

Box = tuple[float, float, float, float]
"""Left, top, right, bottom of a character in pixels of the picture."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished plate with the boxes of its characters.

    ``mask`` is 255 inside the rounded corners; None for a plate that fills the picture.
    """

    image: Image
    mask: Mask | None
    boxes: tuple[Box, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class CharacterStyle:
    """How the characters of one plate are pressed.

    ``families`` replaces glyph families by others, ``weight`` (-2 to 2) changes the strokes, ``jitter`` is the spread
    of positions in mm.
    """

    families: dict[Family, str]
    weight: int
    scale: float
    jitter: float


def draw_character_style(rng: Rng) -> CharacterStyle:
    """Draws a style: in 90 % the glyphs of the standard, else those of another press or a font."""
    families: dict[Family, str] = {}
    roll = rng.random()
    if roll < 0.05:
        families = {"140": "green"} if rng.random() < 0.5 else {"green": "140"}
    elif roll < 0.08:
        families = {"140": "platechar", "green": "platechar"}
    elif roll < 0.10:
        families = dict.fromkeys(("140", "220_up", "220_down", "green"), "noto")
    weight = int(rng.choice(5, p=(0.1, 0.2, 0.4, 0.2, 0.1))) - 2
    return CharacterStyle(families, weight, float(rng.normal(1, 0.01)), float(rng.choice((0.2, 0.5, 1.0))))


def set_characters(
    number: str, slots: tuple[Slot, ...], size: tuple[int, int], scale: float, style: CharacterStyle,
    red: frozenset[int], glyphs: GlyphLibrary, rng: Rng,
) -> tuple[Mask, Mask | None, tuple[Box, ...]]:  # fmt: skip
    """Places the characters of ``number`` in ``slots``.

    Returns the ink, the red ink (None without any) and the boxes. ``size`` is (height, width) in pixels.
    """
    ink = np.zeros(size, np.uint8)
    red_ink = np.zeros(size, np.uint8) if red else None
    boxes: list[Box] = []
    moves = np.clip(rng.normal(0, style.jitter * 0.5, (len(slots), 2)), -1, 1)
    for place, (character, slot) in enumerate(zip(number, slots, strict=True)):
        width, height = slot.width * style.scale * scale, slot.height * style.scale * scale
        family = style.families.get(slot.family, slot.family)
        piece = glyphs.fitted(family, character, round(width), round(height), style.weight)
        x = (slot.x + slot.width / 2 + moves[place, 0]) * scale - piece.shape[1] / 2
        y = (slot.y + slot.height / 2 + moves[place, 1]) * scale - piece.shape[0] / 2
        paste(red_ink if red_ink is not None and place in red else ink, piece, x, y)
        boxes.append((x, y, x + piece.shape[1], y + piece.shape[0]))
    return ink, red_ink, tuple(boxes)


def draw_metal(kind: KindStyle, number: str, glyphs: GlyphLibrary, textures: Textures, scale: float, rng: Rng) -> Drawn:
    """Draws a plate of ``kind`` at ``scale`` pixels per mm."""
    layout = kind.layout(number, rng)
    width, height = round(layout.width * scale), round(layout.height * scale)
    level = wear.draw_level(rng)
    red = kind.red(number, rng)
    image = ground(kind.ground, height, width, scale, rng)
    if rng.random() < 0.25:
        province = next((c for c in number if c in PROVINCES), "")
        image = fittings.faint_marks(image, layout, province, scale, glyphs, rng)
    ink, red_ink, boxes = set_characters(
        number, layout.slots, (height, width), scale, draw_character_style(rng), red, glyphs, rng
    )
    raised = _rim_and_marks(layout, ink, scale)
    image = _inked(image, kind, raised, red_ink, textures, level, rng)
    for mark in layout.separators:
        if mark.mark == "logo":
            fittings.logo(image, mark, scale, rng)
    image = shade(image, _light(raised if red_ink is None else np.asarray(cv2.max(raised, red_ink)), rng))
    fittings.holes(image, layout, scale, rng)
    if rng.random() < 0.03:
        fittings.sticker(image, scale, rng)
    image = wear.weathered(image, textures, level, scale, rng)
    if rng.random() < 0.12:
        image = fittings.surround(image, scale, glyphs, rng)
    if rng.random() < 0.13:
        image = wear.bent(image, float(rng.uniform(0.5, 2.5)) * scale, rng)
    return Drawn(image, rounded(height, width, 0, layout.radius * scale), boxes, layout.rows)


def _rim_and_marks(layout: Layout, ink: Mask, scale: float) -> Mask:
    raised = np.asarray(cv2.max(ink, frame_line(layout, *ink.shape)), dtype=np.uint8)
    for mark in layout.separators:
        fittings.separator(raised, mark, scale)
    return raised


def _inked(
    image: Image, kind: KindStyle, raised: Mask, red_ink: Mask | None, textures: Textures, level: float,
    rng: Rng,
) -> Image:  # fmt: skip
    color = palettes.draw(kind.ink, rng)
    if kind.ink == "white":  # a dull film has some of the ground's colour
        color = color + (image[0, 0].astype(np.float32) - color) * float(rng.beta(1.0, 5.0)) * 0.6
    else:
        color = color + (image[0, 0].astype(np.float32) - color) * float(rng.beta(1.0, 7.0)) * 0.5
    image = blend(image, wear.worn_ink(raised, textures, level, rng), color)
    if red_ink is not None:
        image = blend(image, wear.worn_ink(red_ink, textures, level * 0.7, rng), palettes.draw("red", rng))
    return image


def _light(raised: Mask, rng: Rng) -> NDArray[np.int16]:
    angle = float(rng.normal(np.pi / 2, 0.7))
    light = relief(raised, angle, float(rng.choice((0.0, 35.0, 70.0, 120.0), p=(0.15, 0.35, 0.35, 0.15))))
    height, width = raised.shape
    return light + unevenness(rng, height, width, float(rng.uniform(1, 12)))
