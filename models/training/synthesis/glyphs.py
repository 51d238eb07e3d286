"""The shapes of characters, as ink masks fitted to a box.

A shape comes from the first of these sources that has it:
1. the drawing of that family in data/glyphs (letters of upper and lower rows are separate drawings);
2. the drawing of the "140" family, stretched; the letter O is the zero, as on real plates;
3. an open CJK font (Noto Sans CJK Bold, else WenQuanYi Zen Hei) for characters without a drawing: 应 急 民 航 试 超 临.
Fonts are searched in ``fonts/`` of the data folder first (see ``models.training.fonts``). A machine without them uses
an atlas: one .npz with every shape, written by ``GlyphLibrary.save``.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from edge_lpr.errors import InputError
from edge_lpr.plates import ALPHABET
from models.training import fonts
from models.training.arrays import Mask

PLATE_FAMILIES = ("140", "220_up", "220_down", "green")
WITHDRAWN = "军海空沈北兰济南广成"
"""First characters of the withdrawn army plates (2004) that no current plate has."""
LETTERING = "有效期至年月日前行驶证号汽车销售服务有限公司临时入境检交警支队大众丰田本田限市一"
BASE_HEIGHT = 200
CACHE_ENTRIES = 6000
_CJK_FONTS = {"noto": fonts.NOTO_SANS_BOLD, "wqy": fonts.WQY_ZEN_HEI}


class GlyphLibrary:
    """Ink masks by family and character; 255 is ink. The last ``CACHE_ENTRIES`` scaled masks are cached."""

    def __init__(self, shapes: dict[tuple[str, str], Mask]) -> None:
        self._shapes = shapes
        self._cache: OrderedDict[tuple[str, str, int, int, int], Mask] = OrderedDict()

    @classmethod
    def build(cls, data_dir: Path) -> GlyphLibrary:
        """Reads drawings and fonts under ``data_dir``. Raises InputError for a missing one."""
        return cls(_build_shapes(data_dir))

    @classmethod
    def load(cls, atlas: Path) -> GlyphLibrary:
        """Reads an atlas written by ``save``. Raises InputError for a missing file."""
        if not atlas.is_file():
            raise InputError(
                f"{atlas}: no such glyph atlas; models.training.synthesis.contact_sheet --atlas writes one"
            )
        with np.load(atlas) as stored:
            shapes = {}
            for name in stored.files:
                family, code = name.rsplit("-", 1)
                shapes[family, chr(int(code, 16))] = stored[name]
        return cls(shapes)

    def save(self, atlas: Path) -> None:
        """Writes every shape to one .npz, for machines without fonts."""
        named: dict[str, Any] = {f"{f}-{ord(c):04X}": mask for (f, c), mask in self._shapes.items()}
        np.savez_compressed(atlas, **named)

    def shape(self, family: str, character: str) -> Mask:
        """Returns the unscaled mask, trimmed to the ink (family green: to its box)."""
        return self._shapes[family, character]

    def fitted(self, family: str, character: str, width: int, height: int, weight: int = 0) -> Mask:
        """Returns a mask, uint8 of at most ``height`` x ``width``. It is shared: do not write into it.

        Shapes are stretched to the box, except narrow ones ("1"), whose stroke keeps its width. ``weight`` (-2 to 2)
        thins or thickens the strokes.
        """
        key = (family, character, width, height, weight)
        found = self._cache.get(key)
        if found is None:
            found = _fit(self._shapes[family, character], character, width, height, weight)
            self._cache[key] = found
            if len(self._cache) > CACHE_ENTRIES:
                self._cache.popitem(last=False)
        return found

    def lettering(self, family: str, text: str, height: int, spacing: float = 0.1) -> Mask:
        """Returns a line of text, uint8 (height, n); 汉字 are square, Latin characters narrower."""
        cells = []
        gap = np.zeros((height, max(1, round(height * spacing))), np.uint8)
        for character in text:
            latin = character.isascii()
            mask = self.fitted(family, character, round(height * (0.6 if latin else 0.95)), height)
            cells += [mask, gap]
        return np.hstack(cells)


def _fit(shape: Mask, character: str, width: int, height: int, weight: int) -> Mask:
    source_height, source_width = shape.shape
    if source_width < 0.3 * source_height and character in "1I":
        width = min(width, max(3, round(source_width * height / source_height)))
    if weight:
        size = 2 * abs(weight) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        padded = cv2.copyMakeBorder(shape, 6, 6, 6, 6, cv2.BORDER_CONSTANT, value=0)
        padded = cv2.dilate(padded, kernel) if weight > 0 else cv2.erode(padded, kernel)
        shape = np.asarray(padded, dtype=np.uint8)[6:-6, 6:-6]
    mask = cv2.resize(shape, (max(width, 2), max(height, 2)), interpolation=cv2.INTER_AREA)
    return np.asarray(mask, dtype=np.uint8)


def _build_shapes(data_dir: Path) -> dict[tuple[str, str], Mask]:
    shapes = _drawings(data_dir)
    cjk_fonts = _cjk_fonts(data_dir)
    for character in dict.fromkeys(ALPHABET + LETTERING + WITHDRAWN + "IO-:."):
        for family, font in cjk_fonts.items():
            shapes[family, character] = _draw(font, character)
    platechar = ImageFont.truetype(str(_existing(data_dir / "templates" / "platechar.ttf")), 200)
    for character in ALPHABET + WITHDRAWN:
        shapes["platechar", character] = (
            _draw(platechar, character) if character.isascii() else shapes["wqy", character]
        )
    for family in PLATE_FAMILIES:
        shapes[family, "O"] = shapes["220_down" if family == "220_up" else family, "0"]
        for character in ALPHABET + WITHDRAWN:
            if (family, character) not in shapes:
                shapes[family, character] = shapes.get(("140", character), shapes["noto", character])
    return shapes


def _drawings(data_dir: Path) -> dict[tuple[str, str], Mask]:
    folder = data_dir / "glyphs"
    index = json.loads(_existing(folder / "index.json").read_text(encoding="utf-8"))
    shapes: dict[tuple[str, str], Mask] = {}
    for name, entry in sorted(index.items()):
        picture = cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise InputError(f"{folder / name}: not a readable picture; fetch the development data again")
        ink = _normalized(np.asarray(255 - picture, dtype=np.uint8))
        family, character = entry["family"], entry["character"]
        ink = ink if family == "green" else _trimmed(ink)
        families: tuple[str, ...] = (family,)
        if family == "220":  # digits are in the lower row, provinces in the upper; 挂 is in the lower
            families = ("220_down", "220_up") if character.isascii() else ("220_up",)
            families = ("220_down",) if character == "挂" else families
        for one in families:
            shapes[one, character] = _to_base(ink)
    return shapes


def _normalized(ink: Mask) -> Mask:
    """Stretches the contrast so that paper is 0 and ink 255, which removes JPEG noise."""
    stretched = (ink.astype(np.float32) - 70) * (255.0 / 110.0)
    return np.asarray(np.clip(stretched, 0, 255), dtype=np.uint8)


def _trimmed(ink: Mask) -> Mask:
    rows = np.flatnonzero((ink > 128).any(axis=1))
    columns = np.flatnonzero((ink > 128).any(axis=0))
    return np.asarray(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], dtype=np.uint8)


def _to_base(ink: Mask) -> Mask:
    height, width = ink.shape
    scaled = cv2.resize(ink, (max(4, round(width * BASE_HEIGHT / height)), BASE_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, dtype=np.uint8)


def _cjk_fonts(data_dir: Path) -> dict[str, ImageFont.FreeTypeFont]:
    """Opens the CJK fonts by family. Raises InputError where one is not installed."""
    try:
        return {family: fonts.required(font, 200, data_dir / "fonts") for family, font in _CJK_FONTS.items()}
    except InputError as error:
        raise InputError(f"{error}, or give a glyph atlas") from error


def _draw(font: ImageFont.FreeTypeFont, character: str) -> Mask:
    canvas = Image.new("L", (420, 420), 0)
    ImageDraw.Draw(canvas).text((80, 60), character, font=font, fill=255)
    return _to_base(_trimmed(np.asarray(canvas, dtype=np.uint8)))


def _existing(path: Path) -> Path:
    if not path.exists():
        raise InputError(f"{path} is missing; give the folder of the development data as data_dir")
    return path
