"""Test pictures in which no plate must be read, by source. Only ``patches`` are also used in training.

* ``patches``: the patches of the development data, read as crops.
* ``windows``: parts of validation photos without a plate.
* ``foreign plates``: validation photos whose plate is replaced by a European, American or Russian one.
* ``signs``: such windows with a shop sign, a phone number, a bumper sticker or a lorry's lettering.
* ``timestamps``: such windows with a camera's date, time and lane written over them.

The same seed and count give the same pictures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw, ImageFont

from models.training import fonts
from models.training.arrays import Corners, Image, Rng
from models.training.augment import degrade
from models.training.augment.plate_swap import fitted_corners, paste_plate, swap_plate
from models.training.data import datasets

SEED = 21_000
SCENE_SOURCES = ("windows", "foreign plates", "signs", "timestamps")
SMALLEST_WINDOW = 160

_LATIN = "ABCDEFGHJKLMNOPRSTUVWXYZ"
_SIGNS = (
    "烟酒超市", "停车场入口", "中国农业银行", "理发店", "汽车维修", "禁止停车", "沙县小吃", "五金建材", "出口",
    "快递驿站", "限高2.5米", "房屋出租", "美宜佳便利店", "加油站", "新手上路", "车内有宝宝", "中国移动", "川菜馆",
    "京东物流", "粤式早茶",
)  # fmt: skip
_INKS = (((20, 20, 20), (235, 235, 235)), ((250, 250, 250), (30, 30, 190)), ((250, 250, 250), (160, 70, 20)),
         ((20, 20, 20), (40, 200, 240)), ((250, 250, 250), (60, 130, 30)), ((40, 200, 240), (40, 40, 40)))  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Negative:
    """One picture; with ``crop`` it is read as a plate that is already cut out."""

    source: str
    name: str
    image: Image
    crop: bool


def patches() -> Iterator[Negative]:
    """Yields the patches of the development data."""
    for path in datasets.negatives():
        yield Negative("patches", path.name, datasets.read_image(path), True)


def patch_count() -> int:
    """Returns the number of ``patches``."""
    return len(datasets.negatives())


def scenes(each: int, seed: int = SEED) -> Iterator[Negative]:
    """Yields ``each`` pictures of every one of ``SCENE_SOURCES``."""
    for number, source in enumerate(SCENE_SOURCES):
        rng = np.random.default_rng((seed, number))
        for index in range(each):
            photo, image = _foreign(rng) if source == "foreign plates" else _window(rng)
            if source == "signs":
                _hang_sign(image, rng)
            elif source == "timestamps":
                _write_timestamp(image, rng)
            if source != "windows":
                image = degrade.jpeg(image, rng, 60)
            yield Negative(source, f"{index:04} {photo}", image, False)


def _window(rng: Rng) -> tuple[str, Image]:
    """Draws a part of a validation photo without a labelled or ignored plate. Returns the photo's name and the part."""
    photos = _photos()
    while True:
        scene = photos[int(rng.integers(len(photos)))]
        image = scene.load()
        height, width = image.shape[:2]
        boxes = [_grown(plate.quad) for plate in scene.plates]
        boxes += [_grown(np.array([[x, y], [x + w, y + h]], np.float32)) for x, y, w, h in scene.ignore]
        for _ in range(20):
            w, h = (int(rng.uniform(0.3, 1.0) * side) for side in (width, height))
            x, y = int(rng.integers(width - w + 1)), int(rng.integers(height - h + 1))
            if min(w, h) >= SMALLEST_WINDOW and all(
                x + w < x0 or x > x1 or y + h < y0 or y > y1 for x0, y0, x1, y1 in boxes
            ):
                return scene.path.name, image[y : y + h, x : x + w].copy()


@cache
def _photos() -> list[datasets.Scene]:
    return datasets.scenes("val")


def _grown(points: Corners) -> tuple[float, float, float, float]:
    low, high = points.min(axis=0), points.max(axis=0)
    more = 0.15 * (high - low) + 2
    return (*(low - more).tolist(), *(high + more).tolist())


def _foreign(rng: Rng) -> tuple[str, Image]:
    photos = [scene for scene in _photos() if len(scene.plates) == 1 and not scene.ignore]
    while True:
        scene = photos[int(rng.integers(len(photos)))]
        image, old = scene.load(), scene.plates[0].quad
        plate = _foreign_plate(rng)
        new = fitted_corners(old, plate.shape[1] / plate.shape[0], rng)
        if np.all(new >= 0) and np.all(new <= (image.shape[1], image.shape[0])):
            swap_plate(image, old, plate, new, rng)
            return scene.path.name, image


def _foreign_plate(rng: Rng) -> Image:
    """Draws a plate: BGRA, 520 x 112 mm or 305 x 152 mm, at one pixel per mm."""
    style = int(rng.integers(4))
    letters = "".join(rng.choice(list(_LATIN), 6))
    digits = "".join(str(d) for d in rng.integers(0, 10, 6))
    ground, ink = (238, 238, 238), (25, 25, 25)
    if style == 0:  # a blue band at the left, as in the European Union
        text = (f"{letters[:2]}-{digits[:3]}-{letters[2:4]}", f"{letters[:2]} {letters[2:4]} {digits[:4]}")
        plate = _lettered(520, 112, text[int(rng.integers(2))], ground, ink, 82, left=50)
        cv2.rectangle(plate, (3, 3), (44, 109), (160, 60, 10, 255), -1)
        cv2.circle(plate, (23, 36), 13, (40, 210, 240, 255), 2, cv2.LINE_AA)
        _print(plate, letters[0], (15, 68), 30, (240, 240, 240))
    elif style == 1:  # Britain, rear
        plate = _lettered(520, 112, f"{letters[:2]}{digits[:2]} {letters[2:5]}", (40, 200, 240), ink, 82)
    elif style == 2:  # America
        ink = ((120, 40, 20), (30, 30, 140), (40, 90, 20))[int(rng.integers(3))]
        plate = _lettered(305, 152, f"{digits[0]}{letters[:3]}{digits[1:4]}", ground, ink, 70)
        _print(plate, ("TEXAS", "California", "NEW YORK", "OHIO")[int(rng.integers(4))], (95, 4), 26, ink)
    else:  # Russia
        plate = _lettered(520, 112, f"{letters[0]} {digits[:3]} {letters[1:3]}", ground, ink, 82, right=120)
        cv2.line(plate, (402, 4), (402, 108), (*ink, 255), 3)
        _print(plate, digits[3:6], (412, 2), 54, ink)
        _print(plate, "RUS", (415, 72), 26, ink)
    return plate


def _lettered(
    width: int,
    height: int,
    text: str,
    ground: tuple[int, int, int],
    ink: tuple[int, int, int],
    size: int,
    left: int = 8,
    right: int = 8,
) -> Image:
    """Draws a framed board, BGRA, with ``text`` fitted between ``left`` and ``right``."""
    board = np.full((height, width, 4), (*ground, 255), np.uint8)
    cv2.rectangle(board, (1, 1), (width - 2, height - 2), (*ink, 255), 2, cv2.LINE_AA)
    length = _font(size).getlength(text)
    size = min(size, int(size * (width - left - right) / length))
    length = _font(size).getlength(text)
    _print(board, text, (left + (width - left - right - length) / 2, (height - 1.45 * size) / 2), size, ink)
    return board


def _print(board: Image, text: str, place: tuple[float, float], size: int, ink: tuple[int, int, int]) -> None:
    """Writes ``text`` onto ``board`` (BGRA), in place."""
    picture = Pictures.fromarray(board)
    ImageDraw.Draw(picture).text(place, text, fill=(*ink, 255), font=_font(size))
    board[:] = np.asarray(picture)


def need_font() -> None:
    """Raises InputError when the font of ``scenes`` is not installed."""
    _font(30)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return fonts.required(fonts.NOTO_SANS_BOLD, size)


def _hang_sign(image: Image, rng: Rng) -> None:
    roll = rng.random()
    if roll < 0.5:
        text = _SIGNS[int(rng.integers(len(_SIGNS)))]
    elif roll < 0.75:
        text = (
            f"1{rng.integers(30, 100)}{rng.integers(10**7, 10**8)}" if roll < 0.65 else f"{rng.integers(100, 9999)}号"
        )
    else:  # a lorry's door or a shop's name beside its number
        text = (
            f"{_SIGNS[int(rng.integers(len(_SIGNS)))][:2]}{''.join(rng.choice(list(_LATIN), 2))}{rng.integers(10, 999)}"
        )
    ink, ground = _INKS[int(rng.integers(len(_INKS)))]
    board = _lettered(int(rng.uniform(280, 520)), int(rng.uniform(110, 180)), text, ground, ink, 90)
    _paste_anywhere(image, board, rng)


def _paste_anywhere(image: Image, board: Image, rng: Rng) -> None:
    height, width = image.shape[:2]
    wide = rng.uniform(0.2, 0.7) * width
    size = np.array([wide, min(wide * board.shape[0] / board.shape[1] * rng.uniform(0.8, 1.2), 0.8 * height)])
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) + rng.normal(0, 0.025, (4, 2))
    center = rng.uniform(0.55 * size, (width, height) - 0.55 * size)
    paste_plate(image, board, (unit * size + center).astype(np.float32), rng)


def _write_timestamp(image: Image, rng: Rng) -> None:
    height, width = image.shape[:2]
    year, month, day = (int(rng.integers(*limits)) for limits in ((2008, 2027), (1, 13), (1, 29)))
    clock = f"{rng.integers(24):02}:{rng.integers(60):02}:{rng.integers(60):02}"
    text = (
        f"{year}-{month:02}-{day:02} {clock}",
        f"{year}年{month:02}月{day:02}日 {clock}",
        f"{month:02}/{day:02}/{year} {clock}",
        f"Camera {rng.integers(1, 32):02}",
        f"CH{rng.integers(1, 9)} {clock}",
        f"京{''.join(rng.choice(list(_LATIN), 1))}收费站 {rng.integers(1, 20)}车道",
    )[int(rng.integers(6))]
    size = max(9, round(rng.uniform(0.028, 0.075) * width))
    ink = ((255, 255, 255), (40, 230, 250), (60, 240, 60), (0, 0, 0))[int(rng.integers(4))]
    length = _font(size).getlength(text)
    x = rng.choice((0.02 * width, max(0.02 * width, 0.98 * width - length)))
    y = rng.choice((0.02 * height, 0.97 * height - 1.3 * size))
    board = np.dstack([image, np.full((height, width), 255, np.uint8)])
    _print(board, text, (float(x), float(y)), size, ink)
    image[:] = board[..., :3]
