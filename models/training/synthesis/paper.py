"""Paper plates: temporary driving and temporary entry (GA 36-2014 F9, F13, B.16-B.23). Flat print, no relief."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from models.training.arrays import Image, Mask
from models.training.synthesis import fittings, layouts, palettes
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.metal import Drawn, Hand, set_characters
from models.training.synthesis.surfaces import (
    Textures,
    blend,
    filled,
    frame_line,
    paste,
    rounded,
    shade,
    unevenness,
)


def draw_paper(
    kind: str, number: str, glyphs: GlyphLibrary, textures: Textures, scale: float, rng: np.random.Generator
) -> Drawn:
    """One card of kind "temporary" or "temporary_entry" at ``scale`` pixels per mm."""
    layout = layouts.TEMPORARY if kind == "temporary" else layouts.ENTRY
    height, width = round(layout.height * scale), round(layout.width * scale)
    hue = "blue" if rng.random() < 0.5 else "brown"
    tint = palettes.draw(f"{'temporary' if kind == 'temporary' else 'entry'}_{hue}", rng)
    white = palettes.draw("white", rng, spread=3)
    image = filled(height, width, white + (tint - white) * float(rng.uniform(0, 0.35)))
    image = blend(image, _pattern(height, width, int(rng.integers(5))), tint, float(rng.uniform(0.25, 0.9)))
    if kind == "temporary":
        image = _temporary_print(image, tint, glyphs, scale, rng)
        image = blend(image, frame_line(layout, height, width), tint * float(rng.uniform(0.4, 1.0)))
    else:
        image = _entry_print(image, tint, glyphs, scale, rng)
    font = str(rng.choice(("140", "140", "140", "noto", "wqy")))
    hand = Hand({"140": font}, int(rng.integers(-1, 2)), float(rng.normal(1, 0.015)), 0.4)
    ink, _, boxes = set_characters(number, layout.slots, (height, width), scale, hand, frozenset(), glyphs, rng)
    image = blend(image, ink, np.full(3, rng.uniform(5, 70)) + rng.normal(0, 4, 3))
    image = _handled(image, textures, rng)
    return Drawn(image, rounded(height, width, 0, layout.radius * scale * float(rng.choice((0.2, 1.0)))), boxes, 1)


@lru_cache(maxsize=16)
def _pattern(height: int, width: int, style: int) -> Mask:
    """Fine security print: quatrefoils, waves or a lattice. Shared: do not write into it."""
    mask = np.zeros((height, width), np.uint8)
    if style <= 2:
        step = (9, 12, 16)[style]
        for y in range(0, height + step, step):
            for x in range(0, width + step, step):
                cv2.circle(mask, (x, y), round(step * 0.55), 200, 1, cv2.LINE_AA)
    else:
        xs = np.arange(0, width + 4, 4)
        for offset in range(-20, height + 20, 5 if style == 3 else 8):
            wave = offset + 6 * np.sin(xs / (13.0 if style == 3 else 29.0) + offset * 0.05)
            points = np.stack([xs, wave], axis=1).round().astype(np.int32)
            cv2.polylines(mask, [points], False, 200, 1, cv2.LINE_AA)
    return mask


def _temporary_print(
    image: Image, tint: np.ndarray, glyphs: GlyphLibrary, scale: float, rng: np.random.Generator
) -> Image:
    """Carriage drawing in the ground's tint; 有效期至 upright at the left, 年 月 日 and a date below the number."""
    height, width = image.shape[:2]
    if rng.random() < 0.7:
        drawing = np.zeros((height, width), np.uint8)
        for _ in range(14):
            center = (int(rng.normal(0.5, 0.14) * width), int(rng.normal(0.55, 0.13) * height))
            axes = (int(rng.uniform(4, 26) * scale / 2), int(rng.uniform(3, 18) * scale / 2))
            start = float(rng.uniform(0, 360))
            cv2.ellipse(drawing, center, axes, start, 0, float(rng.uniform(90, 360)), 255, 2, cv2.LINE_AA)
        image = blend(image, drawing, tint * 0.85, float(rng.uniform(0.3, 0.8)))
    font = "wqy" if rng.random() < 0.5 else "noto"
    print_mask = np.zeros((height, width), np.uint8)
    small = round(8.5 * scale)
    for place, character in enumerate("有效期至"):
        paste(print_mask, glyphs.fitted(font, character, small, small), 12.5 * scale, (86 + 9.4 * place) * scale)
    for character, x in zip("年月日", (62, 128, 193), strict=True):
        paste(print_mask, glyphs.fitted(font, character, round(16 * scale), round(21 * scale)), x * scale, 98 * scale)
    if rng.random() < 0.9:
        date = (str(rng.integers(2012, 2027)), f"{rng.integers(1, 13):02d}", f"{rng.integers(1, 29):02d}")
        for text, right in zip(date, (60, 124, 189), strict=True):
            line = glyphs.lettering(font, text, round(float(rng.uniform(14, 19)) * scale), 0.06)
            if line.shape[1] > 37 * scale:
                line = np.asarray(cv2.resize(line, (round(36 * scale), line.shape[0])), dtype=np.uint8)
            paste(print_mask, line, right * scale - line.shape[1], float(rng.uniform(99, 102)) * scale)
    return blend(image, print_mask, np.full(3, rng.uniform(10, 80)))


def _entry_print(image: Image, tint: np.ndarray, glyphs: GlyphLibrary, scale: float, rng: np.random.Generator) -> Image:
    """Bands at top and bottom, 临时入境 in red above the number."""
    height, width = image.shape[:2]
    out = image.copy()
    top, bottom = round(float(rng.uniform(22, 28)) * scale), round(float(rng.uniform(20, 26)) * scale)
    out[:top] = tint.astype(np.uint8)
    out[height - bottom :] = tint.astype(np.uint8)
    font = "wqy" if rng.random() < 0.5 else "noto"
    words = np.zeros((height, width), np.uint8)
    date = f"{rng.integers(2012, 2027)}年{rng.integers(1, 13)}月{rng.integers(1, 29)}日前有效"
    line = glyphs.lettering(font, date, round(13 * scale), 0.1)
    paste(words, line, (width - line.shape[1]) / 2, top - 17 * scale)
    area = glyphs.lettering(font, "限" + "市公司行驶"[: int(rng.integers(2, 5))], round(11 * scale), 0.5)
    paste(words, area, (width - area.shape[1]) / 2, height - bottom + 5 * scale)
    out = blend(out, words, np.full(3, rng.uniform(10, 70)))
    title = np.zeros((height, width), np.uint8)
    size = round(22 * scale)
    for place, character in enumerate("临时入境"):
        paste(title, glyphs.fitted(font, character, size, size), (38 + 41 * place) * scale, 32 * scale)
    return blend(out, title, palettes.draw("red", rng))


def _handled(image: Image, textures: Textures, rng: np.random.Generator) -> Image:
    """Creases, waves, and what a windscreen in front of the card does: tint and reflections."""
    height, width = image.shape[:2]
    light = unevenness(rng, height, width, float(rng.uniform(2, 14)))
    for _ in range(int(rng.integers(0, 3))):
        x0, x1 = rng.uniform(0, width, 2)
        crease = np.zeros((height, width), np.uint8)
        cv2.line(crease, (int(x0), 0), (int(x1), height), 255, 2, cv2.LINE_AA)
        light = light + (crease.astype(np.int16) >> 3) * int(rng.choice((-1, 1)))
    image = shade(image, np.asarray(light, dtype=np.int16))
    if rng.random() < 0.35:  # glass
        field = textures.cloudy(rng, height, width)
        mask = cv2.LUT(field, np.clip((np.arange(256) - 120) * 2.0, 0, 255).astype(np.uint8))
        sky = np.clip(np.array([215, 205, 195]) + rng.normal(0, 20, 3), 0, 255)
        image = blend(image, np.asarray(mask, dtype=np.uint8), sky, float(rng.uniform(0.1, 0.45)))
        tint = np.clip(np.array([120, 130, 105]) + rng.normal(0, 25, 3), 0, 255)
        image = blend(image, np.full((height, width), 255, np.uint8), tint, float(rng.uniform(0, 0.35)))
    if rng.random() < 0.06:
        image = image.copy()
        fittings.sticker(image, width / 220, rng)
    return image
