"""Paper plates: temporary driving and temporary entry (GA 36-2014 F9, F13, B.16-B.23). They have no relief."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from models.training.arrays import Image, Mask, Rng
from models.training.synthesis import fittings, layouts, palettes
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.metal import CharacterStyle, Drawn, set_characters
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


def draw_paper(kind: str, number: str, glyphs: GlyphLibrary, textures: Textures, scale: float, rng: Rng) -> Drawn:
    """Draws a card of kind "temporary" or "temporary_entry" at ``scale`` pixels per mm."""
    layout = layouts.TEMPORARY if kind == "temporary" else layouts.ENTRY
    height, width = round(layout.height * scale), round(layout.width * scale)
    hue = "blue" if rng.random() < 0.5 else "brown"
    tint = palettes.draw(f"{'temporary' if kind == 'temporary' else 'entry'}_{hue}", rng)
    white = palettes.draw("white", rng, spread=3)
    tinted = float(rng.uniform(0, 0.08) if rng.random() < 0.7 else rng.uniform(0.08, 0.35))
    image = filled(height, width, white + (tint - white) * tinted)
    image = blend(
        image, _pattern(height, width, int(rng.choice(8, p=_PATTERN_SHARES))), tint, float(rng.uniform(0.25, 0.9))
    )
    if kind == "temporary":
        image = _temporary_print(image, tint, glyphs, scale, rng)
        image = blend(image, frame_line(layout, height, width), tint * float(rng.uniform(0.4, 1.0)))
    else:
        image = _entry_print(image, tint, glyphs, scale, rng)
    font = str(rng.choice(("140", "140", "140", "noto", "wqy")))
    style = CharacterStyle({"140": font}, int(rng.integers(-1, 2)), float(rng.normal(1, 0.015)), 0.4)
    ink, _, boxes = set_characters(number, layout.slots, (height, width), scale, style, frozenset(), glyphs, rng)
    image = blend(image, ink, np.full(3, rng.uniform(5, 70)) + rng.normal(0, 4, 3))
    image = _handled(image, textures, 0.36 if kind == "temporary" else 0.18, rng)
    return Drawn(image, rounded(height, width, 0, layout.radius * scale * float(rng.choice((0.2, 1.0)))), boxes, 1)


_PATTERN_SHARES = (0.05, 0.05, 0.05, 0.05, 0.05, 0.25, 0.25, 0.25)
"""Shares of the patterns: rings of three sizes, two sorts of waves, quatrefoils of three sizes as on real cards."""


@lru_cache(maxsize=16)
def _pattern(height: int, width: int, style: int) -> Mask:
    """Returns a fine security print: rings, waves or quatrefoils. It is shared: do not write into it."""
    if style >= 5:
        tile = _quatrefoil((8, 10, 13)[style - 5])
        repeats = (-(-height // tile.shape[0]), -(-width // tile.shape[1]))
        return np.ascontiguousarray(np.tile(tile, repeats)[:height, :width])
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


def _quatrefoil(step: int) -> Mask:
    """Returns a flower of four petals with a dotted line around it, uint8 (step, step)."""
    fine = 8
    size = step * fine
    mask = np.zeros((size, size), np.uint8)
    for angle in (45, 135, 225, 315):
        along = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
        x, y = size / 2 + 0.2 * size * along
        cv2.ellipse(mask, (int(x), int(y)), (round(0.17 * size), round(0.08 * size)), angle, 0, 360, 255, -1)
    for place in range(0, size, size // 4):
        cv2.circle(mask, (place, 0), fine // 2, 180, -1)
        cv2.circle(mask, (0, place), fine // 2, 180, -1)
    return np.asarray(cv2.resize(mask, (step, step), interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=4)
def _carriage(height: int, width: int) -> Mask:
    """Returns the outlines of a horse carriage, its wheels at the right. It is shared: do not write into it."""
    mask = np.zeros((height, width), np.uint8)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * width), round(y * height)

    for x, y, radius in ((0.72, 0.52, 0.055), (0.67, 0.50, 0.05)):
        cv2.circle(mask, at(x, y), round(radius * width), 255, 2, cv2.LINE_AA)
        cv2.circle(mask, at(x, y), round(radius * width * 0.8), 200, 1, cv2.LINE_AA)
        for angle in np.arange(0, 2 * np.pi, np.pi / 8):
            rim = at(x + radius * np.cos(angle), y + radius * np.sin(angle) * width / height)
            cv2.line(mask, at(x, y), rim, 200, 1, cv2.LINE_AA)
    cv2.line(mask, at(0.36, 0.50), at(0.80, 0.44), 255, 2, cv2.LINE_AA)
    cv2.ellipse(mask, at(0.70, 0.40), (round(0.08 * width), round(0.07 * height)), 0, 180, 360, 255, 2, cv2.LINE_AA)
    for x in (0.26, 0.33, 0.40, 0.47):
        cv2.ellipse(mask, at(x, 0.52), (round(0.05 * width), round(0.05 * height)), -8, 0, 360, 255, 1, cv2.LINE_AA)
        cv2.ellipse(
            mask, at(x - 0.05, 0.47), (round(0.02 * width), round(0.05 * height)), 35, 0, 360, 220, 1, cv2.LINE_AA
        )
        for foot in (-0.04, -0.02, 0.03, 0.05):
            knee = at(x + foot * 1.6, 0.60)
            cv2.line(mask, at(x + foot, 0.55), knee, 220, 1, cv2.LINE_AA)
            cv2.line(mask, knee, at(x + foot * 1.2, 0.66), 220, 1, cv2.LINE_AA)
    return mask


def _temporary_print(image: Image, tint: np.ndarray, glyphs: GlyphLibrary, scale: float, rng: Rng) -> Image:
    """Prints the carriage, 有效期至 upright at the left, and 年 月 日 with a date below the number."""
    height, width = image.shape[:2]
    if rng.random() < 0.8:
        image = blend(image, _carriage(height, width), tint * 0.85, float(rng.uniform(0.3, 0.9)))
    if rng.random() < 0.3:  # small print above the number, or the district below it
        image = _small_print(image, scale, rng)
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


def _small_print(image: Image, scale: float, rng: Rng) -> Image:
    """Prints lines that are too small to read, above the number or right below it."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    above = rng.random() < 0.6
    high = round((2.5 if above else 7.0) * scale)
    for line in range(int(rng.integers(1, 4)) if above else 1):
        length = round(width * float(rng.uniform(0.3, 0.8)))
        cells = (rng.random((high, length)) < 0.45).astype(np.uint8) * 255
        cells[:, :: high + 2] = 0
        top = (6.0 + 3.5 * line) * scale if above else 71 * scale
        paste(mask, cells, width * 0.12, top)
    color = (palettes.draw("red", rng), np.array((200.0, 130, 40)), np.full(3, 60.0))[int(rng.integers(3))]
    return blend(image, mask, color, float(rng.uniform(0.25, 0.6)))


def _entry_print(image: Image, tint: np.ndarray, glyphs: GlyphLibrary, scale: float, rng: Rng) -> Image:
    """Prints bands at top and bottom, and 临时入境 in red above the number."""
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


def _handled(image: Image, textures: Textures, free: float, rng: Rng) -> Image:
    """Adds creases, waves, fingers that hold the card, and a windscreen in front of it.

    ``free`` is the share of the card's height below the number, where fingers may lie.
    """
    height, width = image.shape[:2]
    light = unevenness(rng, height, width, float(rng.uniform(2, 14)))
    for _ in range(int(rng.integers(0, 3))):
        x0, x1 = rng.uniform(0, width, 2)
        crease = np.zeros((height, width), np.uint8)
        cv2.line(crease, (int(x0), 0), (int(x1), height), 255, 2, cv2.LINE_AA)
        light = light + (crease.astype(np.int16) >> 3) * int(rng.choice((-1, 1)))
    image = shade(image, np.asarray(light, dtype=np.int16))
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 3))):
            image = _finger(image, free, rng)
    if rng.random() < 0.4:
        image = _behind_glass(image, textures, rng)
    if rng.random() < 0.06:
        image = image.copy()
        fittings.sticker(image, width / 220, rng)
    return image


def _finger(image: Image, free: float, rng: Rng) -> Image:
    """Draws a finger or thumb over the lower edge, below the number."""
    height, width = image.shape[:2]
    skin = np.clip(np.array([135, 160, 205]) * rng.uniform(0.55, 1.15) + rng.normal(0, 8, 3), 0, 255)
    reach, half = height * free * float(rng.uniform(0.3, 1.0)), width * float(rng.uniform(0.03, 0.055))
    center = (round(width * float(rng.uniform(0.05, 0.95))), height)
    turn = float(rng.uniform(-25, 25))
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, center, (round(half), round(reach)), turn, 0, 360, 255, -1, cv2.LINE_AA)
    shadow = cv2.GaussianBlur(mask, (0, 0), half * 0.3)
    image = blend(image, np.asarray(shadow, np.uint8), image // 2, float(rng.uniform(0.2, 0.7)))
    image = blend(image, mask, skin)
    core = np.zeros((height, width), np.uint8)
    cv2.ellipse(core, center, (round(half * 0.5), round(reach * 0.8)), turn, 0, 360, 255, -1, cv2.LINE_AA)
    lit = cv2.GaussianBlur(core, (0, 0), half * 0.4)
    return blend(image, np.asarray(lit, np.uint8), np.minimum(skin * 1.2 + 10, 255), 0.6)


def _behind_glass(image: Image, textures: Textures, rng: Rng) -> Image:
    """Adds a windscreen: its tint, reflected clouds and sometimes a slanting bright band."""
    height, width = image.shape[:2]
    field = textures.cloudy(rng, height, width)
    mask = cv2.LUT(field, np.clip((np.arange(256) - 120) * 2.0, 0, 255).astype(np.uint8))
    sky = np.clip(np.array([215, 205, 195]) + rng.normal(0, 20, 3), 0, 255)
    image = blend(image, np.asarray(mask, dtype=np.uint8), sky, float(rng.uniform(0.1, 0.45)))
    if rng.random() < 0.4:
        x, slant, wide = rng.uniform(0, width), rng.normal(0, 0.6) * height, rng.uniform(0.05, 0.4) * width
        corners = np.array([(x, 0), (x + wide, 0), (x + wide + slant, height), (x + slant, height)])
        band = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(band, corners.round().astype(np.int32), 255, cv2.LINE_AA)
        soft = cv2.GaussianBlur(band, (0, 0), float(rng.uniform(1, 14)))
        image = blend(image, np.asarray(soft, np.uint8), sky, float(rng.uniform(0.1, 0.5)))
    tint = np.clip(np.array([120, 130, 105]) * rng.uniform(0.3, 1.1) + rng.normal(0, 20, 3), 0, 255)
    return blend(image, np.full((height, width), 255, np.uint8), tint, float(rng.uniform(0, 0.45)))
