"""Lettering that is no Chinese plate: shop signs, timestamps, stickers, plates of other countries.

A reader must report nothing there. Signs are drawn as flat pictures: the recognizer is trained on them as they are, the
detector on windows that contain them.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont

from edge_lpr.errors import InputError
from edge_lpr.plates import LETTERS, PROVINCES
from models.training import fonts
from models.training.arrays import Image, Rng

_FONTS = (
    fonts.NOTO_SANS_BOLD_JAPANESE,
    fonts.NOTO_SANS_REGULAR_JAPANESE,
    fonts.NOTO_SERIF_BOLD_JAPANESE,
    fonts.WQY_ZEN_HEI,
)
_WORDS = (
    "停车场收费站出入口中国大饭店酒家超市公司物流运输消防安全请勿停放电话维修汽配"
    "服务小区门卫银行药房便利面馆火锅专用道限速禁止"
)
_LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_DIGITS = "0123456789"
_PLATE_LATIN = LETTERS.replace("O", "")  # an O has the shape of a 0, and is a 0 on most plates
BLACK = 0.2
"""Share of other countries' plates with white letters on black, as in Macau."""
LIKE_OURS = 0.3
"""Share of other countries' plates that only lack the province of a Chinese one, as 4A0P453."""


class SignPainter:
    """Draws signs. The constructor reads the fonts and raises InputError when none is installed."""

    def __init__(self) -> None:
        found = [fonts.find(font, size) for font in _FONTS for size in (28, 44)]
        self._fonts = [font for font in found if font is not None]
        if not self._fonts:
            raise InputError("no font for signs; on Debian: apt install fonts-noto-cjk fonts-wqy-zenhei")

    def foreign(self, rng: Rng) -> tuple[Image, str]:
        """Draws a plate of another country: uint8, BGR, some with a coloured band or a heading.

        Returns it and its text: 2 to 9 letters and digits of Chinese plates.
        """
        width = int(rng.integers(240, 360))
        height = round(width / rng.uniform(1.7, 4.9))
        ground, ink = _colors(rng)
        if rng.random() < 0.6:  # most are black on white or yellow
            ground = ((245, 245, 240), (245, 205, 50))[int(rng.random() < 0.3)]
            ink = (int(rng.integers(60)),) * 3
        black = rng.random() < BLACK
        if black:
            ground, ink = (int(rng.integers(8, 60)),) * 3, (int(rng.integers(200, 256)),) * 3
        canvas = Picture.new("RGB", (width, height), ground)
        pen = ImageDraw.Draw(canvas)
        left, top = 8, 0
        if not black and rng.random() < 0.5:
            left = round(width * rng.uniform(0.06, 0.14))
            pen.rectangle((0, 0, left, height), fill=(20, 50, int(rng.integers(120, 200))))
        if rng.random() < 0.3:
            top = round(height * rng.uniform(0.1, 0.25))
            small = self._sized(rng, max(8, top - 2))
            pen.text((width * rng.uniform(0.2, 0.5), 0), _some(rng, _LATIN, 4, 9), font=small, fill=ink)
        groups = _like_ours(rng) if rng.random() < LIKE_OURS else _groups(rng)
        text = str(rng.choice((" ", "-", "", "  "))).join(groups)
        font = self._sized(rng, round((height - top) * rng.uniform(0.6, 0.9)))
        box = font.getbbox(text)
        line = Picture.new("L", (max(1, round(box[2])), max(1, round(box[3]))), 0)
        ImageDraw.Draw(line).text((0, 0), text, font=font, fill=255)
        inked = line.crop(line.getbbox() or (0, 0, 1, 1))
        room = (width - left - 12, round((height - top) * rng.uniform(0.6, 0.85)))
        inked = inked.resize((max(1, round(room[0] * rng.uniform(0.8, 1.0))), max(1, room[1])))
        canvas.paste(ink, (left + 6, top + (height - top - room[1]) // 2), inked)
        if rng.random() < 0.6:
            pen.rectangle((1, 1, width - 2, height - 2), outline=ink, width=int(rng.integers(1, 4)))
        return np.asarray(canvas, np.uint8)[..., ::-1].copy(), "".join(groups)

    def _sized(self, rng: Rng, size: int) -> ImageFont.FreeTypeFont:
        return self._fonts[int(rng.integers(len(self._fonts)))].font_variant(size=max(8, size))

    def draw(self, rng: Rng) -> Image:
        """Draws one sign that fills its picture loosely: uint8, BGR, about 40 to 60 pixels high, of any width."""
        font = self._fonts[int(rng.integers(len(self._fonts)))]
        lines = [_text(rng) for _ in range(2 if rng.random() < 0.25 else 1)]
        boxes = [font.getbbox(line) for line in lines]
        width = round(max(box[2] for box in boxes) + rng.uniform(4, 40))
        line_height = round(max(box[3] for box in boxes) * rng.uniform(1.0, 1.25))
        ground, ink = _colors(rng)
        canvas = Picture.new("RGB", (width, line_height * len(lines) + int(rng.integers(2, 14))), ground)
        pen = ImageDraw.Draw(canvas)
        for row, line in enumerate(lines):
            left = (width - font.getlength(line)) * rng.uniform(0.2, 0.8)
            pen.text((left, row * line_height), line, font=font, fill=ink, stroke_width=int(rng.random() < 0.15))
        image = np.asarray(canvas, np.uint8)[..., ::-1].copy()
        if rng.random() < 0.3:
            cv2.rectangle(image, (1, 1), (width - 2, image.shape[0] - 2), ink[::-1], 2)
        return image


def _groups(rng: Rng) -> list[str]:
    """Draws two or three groups, each of letters or of digits."""
    count = int(rng.integers(2, 4))
    sorts = [_PLATE_LATIN if rng.random() < 0.5 else _DIGITS for _ in range(count)]
    return [_some(rng, sort, 1, 4 if count == 2 else 3) for sort in sorts]


def _like_ours(rng: Rng) -> list[str]:
    """Draws one group: a digit or letter in place of the province, a letter, then five of either."""
    first = _DIGITS if rng.random() < 0.7 else _PLATE_LATIN
    letters = int(rng.integers(0, 4))
    return [
        _some(rng, first, 1, 1)
        + _some(rng, _PLATE_LATIN, 1 + letters, 1 + letters)
        + _some(rng, _DIGITS if rng.random() < 0.7 else _DIGITS + _PLATE_LATIN, 5 - letters, 5 - letters)
    ]


def _some(rng: Rng, characters: str, low: int, high: int) -> str:
    """Draws ``low`` to ``high`` of ``characters``."""
    return "".join(rng.choice(list(characters), int(rng.integers(low, high + 1))))


def _text(rng: Rng) -> str:
    kind = int(rng.integers(8))
    if kind == 0:  # a timestamp
        day = f"20{rng.integers(10, 30)}-{rng.integers(1, 13):02}-{rng.integers(1, 29):02}"
        return f"{day} {rng.integers(24):02}:{rng.integers(60):02}:{rng.integers(60):02}"
    if kind == 1:  # a shop
        return _some(rng, _WORDS + "".join(PROVINCES), 2, 7)
    if kind == 2:  # a telephone number
        return _some(rng, _WORDS, 0, 2) + "1" + _some(rng, _DIGITS, 10, 10)
    if kind == 3:  # another country's plate
        gap = " " if rng.random() < 0.5 else "-"
        return (
            _some(rng, _LATIN, 1, 3)
            + gap
            + _some(rng, _DIGITS, 2, 4)
            + (gap + _some(rng, _LATIN, 1, 3) if rng.random() < 0.5 else "")
        )
    if kind == 4:  # a model or brand
        return _some(rng, _LATIN + _LATIN.lower() + _DIGITS, 2, 8)
    if kind in (5, 6):  # a lorry's door: a company and its number for the lorry, often similar to a plate's
        firm = _some(rng, "".join(PROVINCES), 1, 1) + _some(rng, _WORDS, 1, 2) if rng.random() < 0.75 else ""
        return (firm or _some(rng, _WORDS, 2, 2)) + _some(rng, _LATIN, 1, 3) + _some(rng, _DIGITS, 2, 4)
    return _some(rng, _WORDS, 1, 3) + _some(rng, _DIGITS + _LATIN, 1, 4)


def _colors(rng: Rng) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Draws the RGB of ground and ink, one light and one dark; 60 % of the grounds are those of plates."""
    grounds = ((20, 60, 170), (240, 200, 40), (235, 235, 235), (30, 140, 70), (25, 25, 25), (190, 30, 30))
    ground = np.array(grounds[int(rng.integers(len(grounds)))]) if rng.random() < 0.6 else rng.integers(0, 256, 3)
    light = float(ground @ (0.3, 0.6, 0.1)) > 120
    ink = rng.integers(0, 70, 3) if light else rng.integers(190, 256, 3)
    return (int(ground[0]), int(ground[1]), int(ground[2])), (int(ink[0]), int(ink[1]), int(ink[2]))
