"""What the camera loop saw last, for whoever asks in between."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_lpr.readings import PlateReading


@dataclass(frozen=True, slots=True, eq=False)
class ReadFrame:
    """A frame that was read, uint8 of shape (H, W, 3), BGR, with its plates, best first. ``at_s``: monotonic."""

    image: NDArray[np.uint8]
    readings: tuple[PlateReading, ...]
    at_s: float


class LatestFrame:
    """Keeps the newest view only. ``newest`` may be called from any thread."""

    def __init__(self) -> None:
        self._frame: ReadFrame | None = None

    def update(self, image: NDArray[np.uint8], readings: Sequence[PlateReading]) -> None:
        """Keeps ``image``, which was just read, with its ``readings``, best first."""
        self._frame = ReadFrame(image, tuple(readings), time.monotonic())

    def newest(self, max_age_s: float) -> ReadFrame | None:
        """The newest view; None where there is none that young."""
        frame = self._frame
        return frame if frame is not None and time.monotonic() - frame.at_s <= max_age_s else None
