"""A contact sheet: many small pictures with captions in one PNG, to inspect misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from edge_lpr.errors import InputError

_COLUMNS = 6
_PICTURE_HEIGHT = 96
_LINE = 18
_GAP = 8
_MAX_TILES = 600  # about 1,500 x 17,000 pixels

_CJK_FONTS = (
    "NotoSansCJK-Regular.ttc",
    "NotoSerifCJK-Bold.ttc",
    "NotoSansCJKsc-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "simhei.ttf",
    "PingFang.ttc",
)
"""Common fonts with Chinese characters; Pillow searches the font folders of the system."""


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """One picture, uint8 of shape (H, W, 3), BGR, with the true text, the text that was read, and a note."""

    WIDTH: ClassVar[int] = 240

    picture: NDArray[np.uint8]
    truth: str
    read: str
    note: str


def write_contact_sheet(path: Path, tiles: Sequence[Tile]) -> None:
    """Writes the first 600 of ``tiles`` to ``path`` as PNG. Raises InputError if it cannot be written.

    Without a Chinese font on the system, Chinese characters are written as code points such as U+4EAC.
    """
    tiles = tiles[:_MAX_TILES]
    font, chinese = _load_font()
    cell = _PICTURE_HEIGHT + 3 * _LINE + _GAP
    rows = max(1, -(-len(tiles) // _COLUMNS))
    sheet = Image.new("RGB", (_COLUMNS * (Tile.WIDTH + _GAP) + _GAP, rows * cell + _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    if not tiles:
        draw.text((_GAP, _GAP), "no misses", fill="black", font=font)
    for index, tile in enumerate(tiles):
        row, column = divmod(index, _COLUMNS)
        x, y = _GAP + column * (Tile.WIDTH + _GAP), _GAP + row * cell
        picture = Image.fromarray(np.ascontiguousarray(tile.picture[:, :, ::-1]))
        picture.thumbnail((Tile.WIDTH, _PICTURE_HEIGHT))
        sheet.paste(picture, (x, y))
        for line, (text, ink) in enumerate(((tile.truth, "black"), (tile.read, "firebrick"), (tile.note, "grey"))):
            shown = text if chinese else _escaped(text)
            draw.text((x, y + _PICTURE_HEIGHT + line * _LINE), shown[:34], fill=ink, font=font)
    try:
        sheet.save(path, format="PNG")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error}); choose another path") from error


def _load_font() -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, bool]:
    """Returns a font, and whether it has Chinese characters."""
    for name in _CJK_FONTS:
        try:
            return ImageFont.truetype(name, 14), True
        except OSError:
            continue  # not on this system
    return ImageFont.load_default(14), False


def _escaped(text: str) -> str:
    return "".join(character if character.isascii() else f"U+{ord(character):X} " for character in text)
