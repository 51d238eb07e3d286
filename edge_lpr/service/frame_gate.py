"""Which frames are read: all of a recording; of a live camera those that motion and the board's temperature allow.

Most of the day nothing happens at a gate. Reading the same empty lane again and again would only heat the board. A
frame is skipped only if all of this holds: no plate is being tracked; nothing has changed since the last frame that was
read, however slowly; and that frame is less than ``idle_look_s`` old. Only the last rule finds a vehicle that causes
no visible difference, such as one that rolls without lights through the dark.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.cameras import CameraStatus
from edge_lpr.frames import Frame
from edge_lpr.service.load_control import LoadControl, ReadingStatus

GRID = (64, 36)
"""Columns and rows of the thumbnail that is compared. At 1280 x 720 a cell averages 400 pixels, which removes the
sensor's noise, and the narrowest plate that is read still covers three cells."""

MIN_DIFFERENCE = 4
"""Levels (0-255) by which a cell must differ in one colour. The shadow of a car is 20 and more."""

MIN_CHANGED_CELLS = 2
"""Cells that must differ: a single one may be a hot pixel or a fly."""

IDLE_FOR_S = 2.0
"""Seconds for which a skipped frame keeps the state ``idle``. This is longer than the pause between two idle reads."""


class MotionGate:
    """Compares each frame with a thumbnail of the last frame that was read.

    With ``idle_look_s`` 0 every frame is worth reading.
    """

    def __init__(self, idle_look_s: float) -> None:
        self.idle_look_s = idle_look_s
        self._thumbnail: NDArray[np.uint8] | None = None
        self._read_at_s = 0.0

    def is_worth_reading(self, frame: Frame, *, tracking: bool) -> bool:
        """Returns whether to read ``frame``; a frame with the answer True counts as read.

        ``tracking``: a plate is in sight.
        """
        if self.idle_look_s == 0:
            return True
        thumbnail = make_thumbnail(frame.image)
        is_due = tracking or self._thumbnail is None or frame.monotonic_s - self._read_at_s >= self.idle_look_s
        if not is_due and self._thumbnail is not None and not differs(self._thumbnail, thumbnail):
            return False
        self._thumbnail, self._read_at_s = thumbnail, frame.monotonic_s
        return True


class FrameGate:
    """Decides for each frame whether it is read, and counts the decisions. Times are monotonic seconds."""

    def __init__(self, motion: MotionGate, load: LoadControl, *, live: bool) -> None:
        """``live`` False reads every frame: a recording loses none."""
        self._motion = motion
        self._load = load
        self._live = live
        self._read = self._idle = self._rested = 0
        self._rest_until_s = 0.0
        self._last_idle_s: float | None = None

    def is_worth_reading(self, frame: Frame, now_s: float, *, tracking: bool) -> bool:
        """Returns whether to read ``frame``. ``tracking``: a plate is in sight."""
        if not self._live:
            return True
        if now_s < self._rest_until_s:
            self._rested += 1
            return False
        if not self._motion.is_worth_reading(frame, tracking=tracking):
            self._idle += 1
            self._last_idle_s = now_s
            return False
        return True

    def record_read(self, done_s: float, read_s: float) -> None:
        """Counts a frame that was read by ``done_s`` and took ``read_s`` seconds; a hot board then rests."""
        self._read += 1
        self._rest_until_s = done_s + self._load.rest_s(read_s)

    def update_load(self, camera: CameraStatus, now_s: float) -> None:
        """Measures the board's load, if a measurement is due."""
        if self._live:
            self._load.update(camera, now_s)

    def status(self, now_s: float) -> ReadingStatus:
        """Returns the counts so far and the reading state."""
        is_idle = self._last_idle_s is not None and now_s - self._last_idle_s < IDLE_FOR_S
        state = "idle" if is_idle and self._load.state == "normal" else self._load.state
        return ReadingStatus(state, self._read, self._idle, self._rested)


def make_thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns ``image``, uint8 of shape (H, W, 3), averaged down to uint8 of shape (36, 64, 3)."""
    return np.asarray(cv2.resize(image, GRID, interpolation=cv2.INTER_AREA), np.uint8)


def differs(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Returns whether two thumbnails differ enough for motion."""
    changed = cv2.absdiff(before, after).max(axis=2) > MIN_DIFFERENCE
    return int(np.count_nonzero(changed)) >= MIN_CHANGED_CELLS
