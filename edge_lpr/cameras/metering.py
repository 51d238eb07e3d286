"""Measures the brightness of the lane and of the plates in it, for the exposure control.

Two threads share a ``LightMeter``: the camera thread measures its own pictures, and the reading thread adds the plates
that it found.
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
"""Sampling step in pixels, on both axes."""

TRIM = 0.1
"""Share of the lane's pixels that is left out at each end: the brightest (lamps) and the darkest (below a car)."""

BRIGHT_PERCENTILE = 90
"""Percentile of a plate's pixels. At least a tenth are characters, which are the bright part of a dark plate."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class PlateBrightness:
    """Brightness (0-255) of a plate's bright parts, and the number of the frame in which it was measured."""

    frame_number: int
    brightness: float


class LightMeter:
    """Measures within ``lane``, without the ``ignore`` areas.

    Polygons are in fractions of the frame, 0.0 to 1.0. An empty lane is the whole frame.
    """

    def __init__(self, lane: Points = (), ignore: Sequence[Points] = ()) -> None:
        self._lock = threading.Lock()
        self._lane, self._ignore = lane, ignore
        self._mask: NDArray[np.bool_] | None = None
        self._plate: PlateBrightness | None = None

    def apply_areas(self, lane: Points, ignore: Sequence[Points]) -> None:
        """Applies changed areas."""
        with self._lock:
            self._lane, self._ignore, self._mask = lane, ignore, None

    def lane_brightness(self, image: NDArray[np.uint8]) -> float:
        """Returns the trimmed mean of the lane's pixels, 0-255. ``image`` is uint8 of shape (H, W, 3), BGR."""
        # Green has the largest share of brightness and needs no conversion.
        green = image[::GRID, ::GRID, 1]
        pixels = np.sort(green[self._mask_for(green.shape)], axis=None)
        cut = int(TRIM * pixels.size)
        return float(pixels[cut : pixels.size - cut].mean())

    def add_frame(self, frame: Frame, readings: Sequence[PlateReading]) -> None:
        """Measures the first reading that lies in the lane. ``readings`` are those of ``frame``, best first."""
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
        """Returns the newest measurement of a plate since the last call; None without one."""
        with self._lock:
            plate, self._plate = self._plate, None
        return plate

    def _mask_for(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        """Returns the mask of the lane on a grid of this shape (rows, columns)."""
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
    # An empty mask cannot be measured, so the whole picture is used instead.
    return mask.astype(bool) if mask.any() else np.ones((rows, columns), bool)
