"""Keeps the newest frame that the camera loop has read, for requests that arrive between frames."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_lpr.readings import PlateReading


@dataclass(frozen=True, slots=True, eq=False)
class ReadFrame:
    """A frame with its readings.

    ``image`` is uint8 of shape (H, W, 3), BGR. ``readings`` has the best reading first. ``at_s`` is on the clock
    ``time.monotonic``.
    """

    image: NDArray[np.uint8]
    readings: tuple[PlateReading, ...]
    at_s: float


class LatestFrame:
    """Holds the newest frame only. ``newest`` may be called from any thread."""

    def __init__(self) -> None:
        self._frame: ReadFrame | None = None

    def update(self, image: NDArray[np.uint8], readings: Sequence[PlateReading]) -> None:
        """Stores ``image``, which was just read, with its ``readings``, best first."""
        self._frame = ReadFrame(image, tuple(readings), time.monotonic())

    def newest(self, max_age_s: float) -> ReadFrame | None:
        """Returns the newest frame, or None if it is older than ``max_age_s`` seconds or there is none."""
        frame = self._frame
        return frame if frame is not None and time.monotonic() - frame.at_s <= max_age_s else None
