"""Whether a frame is worth the detector's work: a cheap look at what moved since the last frame that was read.

Most of a gate's day nothing happens, and reading the same empty lane over and over would heat the box for nothing. A
frame is passed over only when all of this holds: no plate is being followed, nothing changed since the last frame that
was read, however slowly, and that frame was read less than ``idle_look_s`` ago. The last rule alone finds a vehicle
that no difference shows, such as one that rolls without lights through the dark.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.frames import Frame

CELLS = (64, 36)
"""Columns and rows of the small picture that is compared. At 1280 x 720 a cell averages 400 pixels, so that a sensor's
noise is gone from it, and the narrowest plate that is read still fills three."""

MOVED = 4
"""Levels (0-255) by which a cell must differ, in one colour. The shadow of a car is 20 and more."""

MOVED_CELLS = 2
"""Cells that must differ: one may be a hot pixel or a fly."""


class MotionGate:
    """Keeps the last frame that was read, small. ``look_every_s`` 0 finds every frame worth reading."""

    def __init__(self, look_every_s: float) -> None:
        self.look_every_s = look_every_s
        self._seen: NDArray[np.uint8] | None = None
        self._seen_s = 0.0

    def is_worth_reading(self, frame: Frame, *, following: bool) -> bool:
        """Whether ``frame`` should be read; what is said yes to counts as read. ``following``: a plate is in sight."""
        if self.look_every_s == 0:
            return True
        small = small_picture(frame.image)
        is_due = following or self._seen is None or frame.monotonic_s - self._seen_s >= self.look_every_s
        if not is_due and self._seen is not None and not has_moved(self._seen, small):
            return False
        self._seen, self._seen_s = small, frame.monotonic_s
        return True


def small_picture(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``image``, uint8 of shape (H, W, 3), averaged down to uint8 of shape (36, 64, 3)."""
    return np.asarray(cv2.resize(image, CELLS, interpolation=cv2.INTER_AREA), np.uint8)


def has_moved(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> bool:
    """Whether two small pictures show a difference."""
    return int(np.count_nonzero(cv2.absdiff(before, now).max(axis=2) > MOVED)) >= MOVED_CELLS
