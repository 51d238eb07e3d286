"""How bright the lane is, and the plates in it: what the exposure goes by, instead of the sky above the lane.

Shared by two threads: the camera's, which measures its own pictures, and the frame loop's, which knows the plates.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.frames import Frame
from edge_lpr.readings import PlateReading

GRID = 16
"""Every so manieth pixel of a row and of a column is looked at."""

TRIM = 0.1
"""Of the lane's pixels, the brightest and the darkest share that is left out: lamps, and the ground under a car."""

BRIGHT_PERCENTILE = 90
"""Of a plate's pixels; a tenth or more of a plate are characters, and on dark plates those are the bright part."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class PlateBrightness:
    """The brightness (0-255) of a plate's bright parts in the frame of this number."""

    frame_number: int
    brightness: float


class LightMeter:
    """Measures in ``lane`` without ``ignore``: polygons of fractions of the frame; an empty lane is all of it."""

    def __init__(self, lane: Points = (), ignore: Sequence[Points] = ()) -> None:
        self._lock = threading.Lock()
        self._lane, self._ignore = lane, ignore
        self._mask: NDArray[np.bool_] | None = None
        self._plate: PlateBrightness | None = None

    def apply_areas(self, lane: Points, ignore: Sequence[Points]) -> None:
        """Go on with another lane."""
        with self._lock:
            self._lane, self._ignore, self._mask = lane, ignore, None

    def lane_brightness(self, image: NDArray[np.uint8]) -> float:
        """The mean of the lane's pixels, 0-255, of ``image``, uint8 of shape (H, W, 3), BGR."""
        # Green is most of brightness, and needs no reckoning.
        green = image[::GRID, ::GRID, 1]
        pixels = np.sort(green[self._mask_for(green.shape)], axis=None)
        cut = int(TRIM * pixels.size)
        return float(pixels[cut : pixels.size - cut].mean())

    def add_frame(self, frame: Frame, readings: Sequence[PlateReading]) -> None:
        """The frame loop found these plates, best first, in ``frame``."""
        rows, columns = -(-frame.height // GRID), -(-frame.width // GRID)
        mask = self._mask_for((rows, columns))
        for reading in readings:
            x, y = (int(value) // GRID for value in reading.quad.center)
            rect = reading.rect
            if rect.width and rect.height and mask[min(max(y, 0), rows - 1), min(max(x, 0), columns - 1)]:
                green = frame.image[rect.y : rect.y + rect.height, rect.x : rect.x + rect.width, 1]
                brightness = float(np.percentile(green, BRIGHT_PERCENTILE))
                with self._lock:
                    self._plate = PlateBrightness(frame.number, brightness)
                return

    def take_plate_brightness(self) -> PlateBrightness | None:
        """The newest plate since the last call."""
        with self._lock:
            plate, self._plate = self._plate, None
        return plate

    def _mask_for(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Where the lane is, of this (rows, columns)."""
        with self._lock:
            if self._mask is None or self._mask.shape != shape:
                self._mask = _mask(shape, self._lane, self._ignore)
            return self._mask


def _mask(shape: tuple[int, ...], lane: Points, ignore: Sequence[Points]) -> NDArray[np.bool_]:
    rows, columns = shape
    mask = np.full((rows, columns), not lane, np.uint8)
    for polygon, value in ((lane, 1), *((area, 0) for area in ignore)):
        if polygon:
            corners = np.array(polygon) * (columns - 1, rows - 1)
            cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], (value,))
    # Areas that leave nothing over say nothing of light.
    return mask.astype(bool) if mask.any() else np.ones((rows, columns), bool)
