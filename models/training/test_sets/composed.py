"""Composed scenes: plates of ``val`` photos in frames of the sizes that cameras and phones have.

A frame is 1080p, 4, 8 or 12 megapixels, landscape or portrait. A ``val`` photo is scaled until its plate has the wanted
width, and set into a mosaic of other ``val`` photos whose plates are painted out. Each cell of the table has a layout:

* a width in pixels, 60 to 400: one plate of that width;
* ``full``: one plate that fills the frame, as a card that is held close;
* ``beside``, ``above``: two plates that touch each other, with 60 to 400 pixels of width.

The same seed, cell and index give the same scene, however many are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import cv2
import numpy as np

from edge_lpr.geometry import UNIT_CORNERS, Quad
from edge_lpr.vision.straighten import straighten, to_image_points
from models.training.arrays import Corners, Image, Rng
from models.training.augment import degrade
from models.training.augment.plate_swap import paint_out, paste_plate
from models.training.data import datasets

SEED = 23_000
WIDTHS = (60, 80, 110, 150, 190, 250, 320, 400)
"""Plate widths, pixels of the frame."""
FULL, BESIDE, ABOVE = "full", "beside", "above"
TOUCHING = (BESIDE, ABOVE)
LAYOUTS = (*map(str, WIDTHS), FULL, *TOUCHING)
SHARPEST_ENLARGEMENT = 1.5
"""A photo is not enlarged more, except for a plate that fills the frame."""
_FULL_SHARE = (0.85, 0.97)  # of the frame's width that a plate's bounding box fills, or of its height
_SMALLEST_FULL = 180  # pixels of a plate that is enlarged to fill the frame
_FLAT_WIDTH, _FLAT_HEIGHT = 440, 140  # of a straightened second plate
_GAP = 0.02  # at most, of the first plate's size, between two plates that touch
_TILE = (600, 1100)  # least and greatest width of a mosaic's photos, pixels of the frame
_EDGE = 4  # pixels of the frame between a plate and the frame's edge


@dataclass(frozen=True, slots=True)
class Frame:
    """A size of frames, landscape; pixels."""

    name: str
    width: int
    height: int


FRAMES = (
    Frame("1080p", 1920, 1080),
    Frame("4 MP", 2560, 1440),
    Frame("8 MP", 3840, 2160),
    Frame("12 MP", 4056, 3040),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the table: a frame size, its orientation, and one of ``LAYOUTS``."""

    frame: Frame
    portrait: bool
    layout: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        size = self.frame.width, self.frame.height
        return size[::-1] if self.portrait else size


@dataclass(frozen=True, slots=True, eq=False)
class PlacedPlate:
    """A plate of a photo or frame; ``corners`` are pixels of it."""

    number: str
    corners: Corners


@dataclass(frozen=True, slots=True, eq=False)
class ComposedScene:
    """One frame with its one or two plates; ``name`` tells cell, index and photo."""

    cell: Cell
    name: str
    image: Image
    plates: tuple[PlacedPlate, ...]


def cells() -> list[Cell]:
    """Returns all cells, small frames first."""
    return [Cell(frame, portrait, layout) for frame in FRAMES for portrait in (False, True) for layout in LAYOUTS]


def scenes(cell: Cell, each: int, seed: int = SEED) -> Iterator[ComposedScene]:
    """Yields ``each`` scenes of ``cell``. Raises FileNotFoundError without the development data."""
    position = (FRAMES.index(cell.frame), int(cell.portrait), LAYOUTS.index(cell.layout))
    for index in range(each):
        yield _draw(cell, index, np.random.default_rng((seed, *position, index)))


def _draw(cell: Cell, index: int, rng: Rng) -> ComposedScene:
    """Draws a scene. Photos are drawn again until the plates fit the frame."""
    while True:
        width = WIDTHS[index % len(WIDTHS)] if cell.layout in TOUCHING else cell.layout
        least = _SMALLEST_FULL if width == FULL else float(width) / SHARPEST_ENLARGEMENT
        photo = _photo(least, rng)
        image = photo.load()
        plates = [PlacedPlate(photo.plates[0].number or "", photo.plates[0].quad)]
        second = _neighbour(plates[0], cell.layout, least, rng) if cell.layout in TOUCHING else None
        plates += [second.plate] if second else []
        scale = _full_scale(plates[0], cell.size, rng) if width == FULL else float(width) / _width(plates[0].corners)
        placed = _set_in_frame(image, plates, scale, cell.size, rng)
        if placed is None:
            continue
        frame, there = placed
        if second:
            paste_plate(frame, second.flat, there[1].corners, rng)
        name = f"{cell.frame.name}{' portrait' if cell.portrait else ''} {cell.layout} {index} {photo.path.name}"
        return ComposedScene(cell, name, degrade.jpeg(frame, rng, 75), there)


@cache
def _photos() -> list[datasets.Scene]:
    """Returns the validation photos with exactly one plate, whose number is known."""
    scenes = datasets.scenes("val")
    return [one for one in scenes if len(one.plates) == 1 and one.plates[0].number and not one.ignore]


def _photo(least: float, rng: Rng) -> datasets.Scene:
    """Draws a photo whose plate is at least ``least`` pixels wide."""
    wide = [photo for photo in _photos() if _width(photo.plates[0].quad) >= least]
    return wide[int(rng.integers(len(wide)))]


def _width(corners: Corners) -> float:
    return Quad.from_array(corners).width


def _full_scale(plate: PlacedPlate, size: tuple[int, int], rng: Rng) -> float:
    """Returns the scale at which the plate fills a frame of ``size``."""
    room = np.array(size) * rng.uniform(*_FULL_SHARE)
    return float((room / np.ptp(plate.corners, axis=0)).min())


@dataclass(frozen=True, slots=True, eq=False)
class _Neighbour:
    """A straightened plate (BGRA), and its place beside another one."""

    flat: Image
    plate: PlacedPlate


def _neighbour(first: PlacedPlate, layout: str, least: float, rng: Rng) -> _Neighbour:
    """Draws the plate of another photo, in a place where it touches ``first``."""
    other = _photo(least, rng)
    while other.plates[0].number == first.number:
        other = _photo(least, rng)
    flat = straighten(other.load(), Quad.from_array(other.plates[0].quad), _FLAT_WIDTH, _FLAT_HEIGHT)
    apart = (1 + rng.uniform(0, _GAP)) * int(rng.choice((-1, 1)))
    shift = np.array((apart, 0.0) if layout == BESIDE else (0.0, apart), np.float32)
    corners = to_image_points(UNIT_CORNERS + shift, Quad.from_array(first.corners), (0.0, 0.0))
    opaque = np.full(flat.shape[:2], 255, np.uint8)
    return _Neighbour(np.dstack([flat, opaque]), PlacedPlate(other.plates[0].number or "", corners))


def _set_in_frame(
    photo: Image, plates: list[PlacedPlate], scale: float, size: tuple[int, int], rng: Rng
) -> tuple[Image, tuple[PlacedPlate, ...]] | None:
    """Returns the frame with ``photo`` at ``scale``, and the plates in the frame; None if they do not fit."""
    corners = np.concatenate([plate.corners for plate in plates])
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = np.array(size) - (high - low) * scale - 2 * _EDGE
    if np.any(room < 0):
        return None
    origin = low - (_EDGE + rng.uniform(0, 1, 2) * room) / scale  # of the frame, in pixels of the photo
    start = np.clip(np.floor(origin), 0, None).astype(int)
    end = np.minimum(np.ceil(origin + np.array(size) / scale), photo.shape[1::-1]).astype(int)
    part = photo[start[1] : end[1], start[0] : end[0]]
    wanted = np.maximum(np.round((end - start) * scale), 1).astype(int)
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    shown = cv2.resize(part, (int(wanted[0]), int(wanted[1])), interpolation=interpolation)
    place = np.round((start - origin) * scale).astype(int)
    frame = _mosaic(size, rng)
    inside, beyond = np.maximum(place, 0), np.minimum(place + wanted, size)
    cut = slice(inside[1] - place[1], beyond[1] - place[1]), slice(inside[0] - place[0], beyond[0] - place[0])
    frame[inside[1] : beyond[1], inside[0] : beyond[0]] = shown[cut]
    exact = wanted / (end - start)
    return frame, tuple(
        PlacedPlate(plate.number, ((plate.corners - start) * exact + place).astype(np.float32)) for plate in plates
    )


def _mosaic(size: tuple[int, int], rng: Rng) -> Image:
    """Returns photos without their plates in rows that fill ``size``."""
    width, height = size
    frame = np.empty((height, width, 3), np.uint8)
    top = 0
    while top < height:
        high = min(int(rng.uniform(*_TILE) * 0.75), height - top)
        left = 0
        while left < width:
            wide = min(int(rng.uniform(*_TILE)), width - left)
            frame[top : top + high, left : left + wide] = _background(wide, high, rng)
            left += wide
        top += high
    return frame


def _background(width: int, height: int, rng: Rng) -> Image:
    """Returns part of a random photo without its plate, scaled to cover ``width`` x ``height``."""
    photos = _photos()
    photo = _without_plate(int(rng.integers(len(photos))))
    scale = max(width / photo.shape[1], height / photo.shape[0])
    scaled = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    scaled = scaled[:height, :width]
    missing = height - scaled.shape[0], width - scaled.shape[1]  # a row or column, by rounding
    if any(missing):
        scaled = cv2.copyMakeBorder(scaled, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
    return np.asarray(scaled, np.uint8)


@lru_cache(maxsize=100)
def _without_plate(index: int) -> Image:
    photo = _photos()[index]
    image = photo.load()
    paint_out(image, photo.plates[0].quad)
    return image
