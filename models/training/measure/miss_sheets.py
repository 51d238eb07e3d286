"""Contact sheets of misses: each plate in its surroundings, and straightened below."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from edge_lpr.evaluation.contact_sheet import Tile, write_contact_sheet
from edge_lpr.geometry import Quad
from edge_lpr.images import load_image
from edge_lpr.vision.straighten import full_image_quad, straighten
from models.training.arrays import Image
from models.training.measure.records import FalseReading, PlateRecord

MOST_TILES = 60
"""Tiles of a sheet at most."""
_WIDTH, _VIEW_HEIGHT, _PLATE_HEIGHT = 152, 56, 40
"""Sizes in pixels. A tile of the contact sheet is 240 x 96; these fill its height without scaling."""


def write_misses(path: Path, missed: Sequence[PlateRecord]) -> int:
    """Writes a sheet of ``missed``, highest confidence first, at most MOST_TILES. Returns how many it shows.

    Raises InputError where the sheet cannot be written.
    """
    ranked = sorted(missed, key=lambda one: -(one.reading.confidence if one.reading else -1))[:MOST_TILES]
    tiles = []
    for record in ranked:
        image = load_image(record.path)
        quad = record.truth.quad or full_image_quad(image)
        read = f"{record.reading.number} {record.reading.confidence}" if record.reading else "nothing"
        note = " ".join(part for part in (record.truth.condition, f"{record.width:.0f} px", record.path.name) if part)
        tiles.append(
            Tile(
                picture_of(image, quad, record.reading.quad if record.reading else None),
                record.truth.number or "",
                read,
                note,
            )
        )
    write_contact_sheet(path, tiles)
    return len(tiles)


def write_false_readings(path: Path, false_readings: Sequence[FalseReading]) -> None:
    """Writes a sheet of readings in pictures without a plate, highest confidence first. Raises InputError likewise."""
    ranked = sorted(false_readings, key=lambda false: -false.reading.confidence)[:MOST_TILES]
    tiles = [
        Tile(
            picture_of(false.negative.image, false.reading.quad, false.reading.quad),
            false.negative.source,
            f"{false.reading.number} {false.reading.confidence}",
            false.negative.name,
        )
        for false in ranked
    ]
    write_contact_sheet(path, tiles)


def picture_of(image: Image, quad: Quad, read: Quad | None) -> Image:
    """Returns the surroundings of ``quad`` above the straightened plate.

    The surroundings show ``quad`` in green, and ``read`` in red: the reading's quad, None where nothing was read. The
    plate is straightened by ``read``, or by ``quad`` without it.
    """
    view = image.copy()
    cv2.polylines(view, [np.round(quad.to_array()).astype(np.int32)], True, (0, 200, 0), 1, cv2.LINE_AA)
    if read is not None:
        cv2.polylines(view, [np.round(read.to_array()).astype(np.int32)], True, (0, 0, 230), 1, cv2.LINE_AA)
    corners = quad.to_array()
    center, (wide, high) = corners.mean(axis=0), np.ptp(corners, axis=0)
    half_width = 0.65 * max(wide, high * _WIDTH / _VIEW_HEIGHT)
    half = np.array([half_width, half_width * _VIEW_HEIGHT / _WIDTH])
    low = np.clip(np.floor(center - half), 0, None).astype(int)
    end = np.ceil(center + half).astype(int)
    plate = straighten(image, quad if read is None else read, _WIDTH, _PLATE_HEIGHT)
    return np.vstack([_fitted(np.asarray(view[low[1] : end[1], low[0] : end[0]], np.uint8)), plate])


def _fitted(part: Image) -> Image:
    """Returns ``part`` scaled to fit, in the middle of a white tile."""
    tile = np.full((_VIEW_HEIGHT, _WIDTH, 3), 255, np.uint8)
    if part.size == 0:
        return tile
    factor = min(_WIDTH / part.shape[1], _VIEW_HEIGHT / part.shape[0])
    size = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    left = (_WIDTH - size[0]) // 2
    tile[: size[1], left : left + size[0]] = small[:_VIEW_HEIGHT, :_WIDTH]
    return tile
