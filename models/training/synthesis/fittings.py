"""Fittings of a plate and faint marks: separators, logo, slots, bolts, surround, stickers, watermarks.

``scale`` is pixels per mm.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Image, Mask, Rng
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.layouts import Layout, Separator
from models.training.synthesis.surfaces import blend, paste

_FINE = 3  # fractional bits of cv2 drawing: an eighth of a pixel
_ONE = 1 << _FINE
SLOGANS = ("汽车销售服务有限公司", "一汽大众", "丰田汽车", "本田", "有限公司", "大众")


def dot(mask: Mask, x: float, y: float, width: float, height: float) -> None:
    """Draws a filled ellipse around (x, y) in place, pixels."""
    axes = (max(1, round(width / 2 * _ONE)), max(1, round(height / 2 * _ONE)))
    cv2.ellipse(mask, (round(x * _ONE), round(y * _ONE)), axes, 0, 0, 360, 255, -1, cv2.LINE_AA, _FINE)


def separator(mask: Mask, mark: Separator, scale: float) -> None:
    """Draws a dot or a dash in place. The logo of new-energy plates is no ink: see ``logo``."""
    if mark.mark == "dot":
        dot(mask, mark.x * scale, mark.y * scale, mark.width * scale, mark.height * scale)
    elif mark.mark == "dash":
        left, top = (mark.x - mark.width / 2) * scale, (mark.y - mark.height / 2) * scale
        paste(mask, np.full((round(mark.height * scale), round(mark.width * scale)), 255, np.uint8), left, top)


def logo(image: Image, mark: Separator, scale: float, rng: Rng) -> None:
    """Draws the round mark of new-energy plates in place: a globe with an E-shaped plug below."""
    center = (round(mark.x * scale), round(mark.y * scale))
    radius = max(3, round(mark.width / 2 * scale))
    blue = tuple(int(v) for v in rng.integers((120, 60, 0), (230, 170, 90)))
    green = tuple(int(v) for v in rng.integers((40, 120, 0), (120, 210, 90)))
    dark = tuple(int(v) for v in rng.integers(10, 70, 3))
    light = tuple(int(v) for v in rng.integers(200, 256, 3))
    cv2.circle(image, center, radius, light, -1, cv2.LINE_AA)
    cv2.ellipse(image, center, (radius - 1, radius - 1), 0, 150, 300, blue, max(2, radius // 4), cv2.LINE_AA)
    cv2.ellipse(image, center, (radius - 1, radius - 1), 0, 300, 390, green, max(2, radius // 4), cv2.LINE_AA)
    reach = max(2, radius // 2)
    for step in (0, 1, 2):
        y = center[1] + round(reach * (0.1 + 0.45 * step))
        cv2.line(image, (center[0] - reach // 2, y), (center[0] + reach, y), dark, max(1, radius // 6), cv2.LINE_AA)
    cv2.line(
        image, (center[0] - reach // 2, center[1]), (center[0] - reach // 2, center[1] + reach), dark,
        max(1, radius // 6), cv2.LINE_AA,
    )  # fmt: skip


def holes(image: Image, layout: Layout, scale: float, rng: Rng) -> None:
    """Draws the slots in place: open, or with a bolt or a cap; in 70 % all four alike."""
    alike = rng.random() < 0.7
    style, tone = int(rng.integers(6)), np.clip(rng.integers(40, 235) + rng.normal(0, 14, 3), 0, 255)
    for x, y, width, height in layout.holes:
        if not alike:
            style = int(rng.integers(6))
        jitter = rng.normal(0, 0.6, 2)
        _hole(image, (x + jitter[0]) * scale, (y + jitter[1]) * scale, width * scale, height * scale, style, tone, rng)


def _hole(
    image: Image, x: float, y: float, width: float, height: float, style: int, tone: NDArray[np.float64],
    rng: Rng,
) -> None:  # fmt: skip
    center = (round(x * _ONE), round(y * _ONE))
    dark = tuple(int(v) for v in rng.integers(10, 70, 3))
    if style <= 1:  # an open slot: dark, or light where the body shines through
        color = dark if rng.random() < 0.65 else tuple(int(v) for v in tone)
        half, thick = max(0.0, (width - height) / 2), max(2, round(height * rng.uniform(0.7, 1.0)))
        start, end = (round((x - half) * _ONE), center[1]), (round((x + half) * _ONE), center[1])
        cv2.line(image, start, end, color, thick, cv2.LINE_AA, _FINE)
        return
    if style == 4:  # no visible hole
        return
    low, high = {2: (0.5, 0.75), 3: (0.75, 1.15)}.get(style, (1.1, 1.6))  # the largest caps lap over characters
    radius = height * rng.uniform(low, high)
    color = tuple(int(v) for v in (tone * 0 + int(tone.mean()) + rng.integers(-8, 9, 3)).clip(0, 255))
    cv2.circle(image, center, round(radius * _ONE), dark, -1, cv2.LINE_AA, _FINE)
    cv2.circle(image, center, round(radius * 0.85 * _ONE), color, -1, cv2.LINE_AA, _FINE)
    lit = (round((x - radius * 0.25) * _ONE), round((y - radius * 0.25) * _ONE))
    bright = tuple(min(255, v + 45) for v in color)
    cv2.circle(image, lit, round(radius * 0.35 * _ONE), bright, -1, cv2.LINE_AA, _FINE)


def surround(image: Image, scale: float, glyphs: GlyphLibrary, rng: Rng) -> Image:
    """A dealer's surround that laps over the edges, with or without lettering; it stays off the characters."""
    height, width = image.shape[:2]
    side, top = rng.uniform(1.5, 5.5) * scale, rng.uniform(1.5, 6.0) * scale
    bottom = rng.uniform(2.0, 13.0) * scale * min(1.0, height / (140 * scale))
    tone = rng.uniform(5, 50, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(120, 225))
    out = image.copy()
    color = tone.astype(np.uint8)
    out[: round(top)] = color
    out[height - round(bottom) :] = color
    out[:, : round(side)] = color
    out[:, width - round(side) :] = color
    line = tuple(int(v) for v in (tone * 0.6))
    corner = (width - round(side), height - round(bottom))
    cv2.rectangle(out, (round(side), round(top)), corner, line, max(1, round(scale * 0.7)))
    if bottom > 7 * scale and rng.random() < 0.75:
        text_height = round(bottom * 0.65)
        mask = np.zeros((height, width), np.uint8)
        font = "wqy" if rng.random() < 0.5 else "noto"
        words = glyphs.lettering(font, _advert(rng), text_height, rng.uniform(0.1, 0.5))
        room = width - round(2 * side)
        if words.shape[1] < room:
            paste(mask, words, side + rng.uniform(0, room - words.shape[1]), height - bottom * 0.85)
            out = blend(out, mask, np.full(3, 235.0 if tone.mean() < 110 else 30.0))
    return out


def _advert(rng: Rng) -> str:
    if rng.random() < 0.4:
        digits = "".join(str(d) for d in rng.integers(0, 10, 8))
        return ("" if rng.random() < 0.5 else "有限公司") + digits
    return SLOGANS[int(rng.integers(len(SLOGANS)))]


def sticker(image: Image, scale: float, rng: Rng) -> None:
    """Draws a small label on the upper or lower margin in place, beside the characters."""
    height, width = image.shape[:2]
    w, h = rng.uniform(8, 30) * scale, rng.uniform(5, 9) * scale
    x = int(rng.uniform(0.02, 0.95) * (width - w))
    y = int(rng.uniform(0, 1) * scale) if rng.random() < 0.5 else int(height - h - 2)
    color = tuple(int(v) for v in rng.integers(30, 256, 3))
    cv2.rectangle(image, (x, y), (x + int(w), y + int(h)), color, -1)


def faint_marks(image: Image, layout: Layout, province: str, scale: float, glyphs: GlyphLibrary, rng: Rng) -> Image:
    """Returns ``image`` with the film's watermark (province characters) or the laser code at the upper left."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    if province and rng.random() < 0.5:
        size = max(6, round(14 * scale))
        piece = glyphs.fitted("wqy", province, size, size)
        for x in np.arange(rng.uniform(10, 40), layout.width, rng.uniform(50, 90)):
            paste(mask, piece, x * scale, rng.uniform(0.1, 0.85) * height)
    else:
        x, y = 15 * scale, (9 if layout.height == 140 else 60) * scale
        code = (rng.random((6, 6)) < 0.5).astype(np.uint8) * 255
        size = max(6, round(10 * scale))
        paste(mask, np.asarray(cv2.resize(code, (size, size), interpolation=cv2.INTER_NEAREST)), x, y)
        for line in (0.0, 6.0):
            length = round(rng.uniform(25, 36) * scale)
            dashes = (rng.random((2, max(2, length // 2))) < 0.6).astype(np.uint8) * 255
            strip = cv2.resize(dashes, (length, max(2, round(3 * scale))), interpolation=cv2.INTER_NEAREST)
            paste(mask, np.asarray(strip), x + 13 * scale, y + line * scale)
    tone = np.full(3, 255.0 if rng.random() < 0.6 else 0.0)
    return blend(image, mask, tone, float(rng.uniform(0.06, 0.22)))
