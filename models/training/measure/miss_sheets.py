"""Contact sheets of what was read wrong: the plate amid its surroundings above the plate straightened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.evaluation.contact_sheet import Tile, write_contact_sheet
from edge_lpr.geometry import Quad
from edge_lpr.images import load_image
from edge_lpr.vision.straighten import full_image_quad, straighten
from models.training.measure.records import FalseRead, Read, Seen

MOST_TILES = 60
_WIDTH, _VIEW_HEIGHT, _PLATE_HEIGHT = 152, 56, 40
"""The contact sheet gives a tile 240 x 96 pixels; these fill its height without scaling."""


def write_misses(path: Path, missed: Sequence[Seen]) -> int:
    """One sheet of ``missed``, the surest first, at most sixty; returns how many. Raises InputError."""
    ranked = sorted(missed, key=lambda seen: -(seen.read.confidence if seen.read else -1))[:MOST_TILES]
    tiles = []
    for seen in ranked:
        image = load_image(seen.path)
        quad = seen.truth.quad or full_image_quad(image)
        read = f"{seen.read.number} {seen.read.confidence}" if seen.read else "nothing"
        note = " ".join(part for part in (seen.truth.condition, f"{seen.width:.0f} px", seen.path.name) if part)
        tiles.append(Tile(_picture(image, quad, seen.read), seen.truth.number or "", read, note))
    write_contact_sheet(path, tiles)
    return len(tiles)


def write_false_reads(path: Path, false_reads: Sequence[FalseRead]) -> None:
    """One sheet of readings where no plate is, the surest first. Raises InputError."""
    ranked = sorted(false_reads, key=lambda false: -false.read.confidence)[:MOST_TILES]
    tiles = [
        Tile(
            _picture(false.negative.image, false.read.quad, false.read),
            false.negative.source,
            f"{false.read.number} {false.read.confidence}",
            false.negative.name,
        )
        for false in ranked
    ]
    write_contact_sheet(path, tiles)


def _picture(image: NDArray[np.uint8], quad: Quad, read: Read | None) -> NDArray[np.uint8]:
    """The surroundings of ``quad`` with it (green) and the reading's quad (red), above the plate straightened as the
    reader has it, or by the label where nothing was read."""
    view = image.copy()
    cv2.polylines(view, [np.round(quad.to_array()).astype(np.int32)], True, (0, 200, 0), 1, cv2.LINE_AA)
    if read is not None:
        cv2.polylines(view, [np.round(read.quad.to_array()).astype(np.int32)], True, (0, 0, 230), 1, cv2.LINE_AA)
    corners = quad.to_array()
    center, (wide, high) = corners.mean(axis=0), np.ptp(corners, axis=0)
    half_width = 0.65 * max(wide, high * _WIDTH / _VIEW_HEIGHT)
    half = np.array([half_width, half_width * _VIEW_HEIGHT / _WIDTH])
    low = np.clip(np.floor(center - half), 0, None).astype(int)
    end = np.ceil(center + half).astype(int)
    plate = straighten(image, quad if read is None else read.quad, _WIDTH, _PLATE_HEIGHT)
    return np.vstack([_fitted(np.asarray(view[low[1] : end[1], low[0] : end[0]], np.uint8)), plate])


def _fitted(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``part`` in the middle of a white tile."""
    tile = np.full((_VIEW_HEIGHT, _WIDTH, 3), 255, np.uint8)
    if part.size == 0:
        return tile
    factor = min(_WIDTH / part.shape[1], _VIEW_HEIGHT / part.shape[0])
    size = (max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor)))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    left = (_WIDTH - size[0]) // 2
    tile[: size[1], left : left + size[0]] = small[:_VIEW_HEIGHT, :_WIDTH]
    return tile
