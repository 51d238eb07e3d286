"""Checks whether the pictures of a live camera are usable: in time, changing, lit, and not noise.

A camera can deliver pictures and still fail: its driver repeats one buffer, its sensor is dead, or its cable causes
noise. A small sample is checked a few times per second, which costs little on a Pi. Only a lasting condition is a
fault: one black picture can be a truck in front of the lens. During a fault the pictures are still read, so a false
alarm costs one reopening and nothing else. Recordings are not checked, since a still picture is normal there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

PictureFault = Literal["late", "frozen", "black", "noise"]

CHECK_INTERVAL_S = 0.2
"""Seconds between two checks."""

GOOD_AFTER_S = 1.0
"""Seconds of good pictures that end a fault."""

MAX_REOPEN_WAIT_S = 600.0
"""Longest wait in seconds between two reopenings. A lane without light is black all night."""

GRID = 8
"""Sampling step in pixels, on both axes, for black and frozen pictures."""

NOISE_ROWS = 16
"""Sampling step in rows for noise. All columns of a row are used."""

BLACK = 24
"""Brightness (0-255) below which 99 of 100 pixels of a black picture are."""

NOISE_SPREAD = 25.0
"""Lowest standard deviation of noise (0-255).

Full-range noise has 75, or 48 after JPEG compression. The noise of a sensor at night is below 15.
"""

NOISE_CORRELATION = 0.5
"""Correlation of neighbouring pixels below which a picture is noise. The lowest of 500 road scenes is 0.66."""

REMEDIES: dict[PictureFault, str] = {
    "late": "gives pictures too far apart to follow a vehicle; check its cable or network, and its exposure time",
    "frozen": "gives the same picture again and again; check its driver and its firmware",
    "black": "gives black pictures; take the lens cap off, light the lane, or change the camera",
    "noise": "gives noise instead of pictures; check its ribbon cable and its plug",
}
"""Message and remedy for each fault. The camera's name comes before it."""

Image = NDArray[np.uint8]


def is_black(image: Image) -> bool:
    """Returns whether at most 1% of ``image``, uint8 of shape (H, W, 3), is brighter than black."""
    sample = image[::GRID, ::GRID]
    return int(np.count_nonzero(sample >= BLACK)) <= sample.size // 100


def is_noise(image: Image) -> bool:
    """Returns whether ``image``, uint8 of shape (H, W, 3), is noise: neighbouring pixels hardly correlate."""
    green = image[::NOISE_ROWS, :, 1].astype(np.float32)
    variance = float(green.var())
    if variance < NOISE_SPREAD**2 or green.shape[1] < 2:
        return False
    return 1 - float(np.diff(green, axis=1).var()) / (2 * variance) < NOISE_CORRELATION


class PictureHealthMonitor:
    """Monitors the pictures of a live camera. Times are in seconds on the monotonic clock.

    ``fault_after_s`` is the time for which pictures must be bad. Pictures further apart than ``late_after_s`` are late.

    Attributes:
        fault: The fault that has lasted for ``fault_after_s``, until the pictures are good again; else None.
    """

    def __init__(self, fault_after_s: float, late_after_s: float) -> None:
        self.fault: PictureFault | None = None
        self._fault_after_s = fault_after_s
        self._late_after_s = late_after_s
        self._last_s: float | None = None
        self._checked_s = -CHECK_INTERVAL_S
        self._newest_fault: PictureFault | None = None
        self._sample: Image | None = None
        self._candidate: PictureFault | None = None
        self._since_s = 0.0
        self._reopen_at_s = 0.0
        self._reopen_wait_s = fault_after_s

    def record_opening(self) -> None:
        """Records that the camera was opened. The pause before its next picture does not count as late."""
        self._last_s = None

    def add_picture(self, image: Image, at_s: float) -> None:
        """Adds one picture, uint8 of shape (H, W, 3), BGR, that arrived at ``at_s``."""
        gap_s = 0.0 if self._last_s is None else at_s - self._last_s
        self._last_s = at_s
        if at_s - self._checked_s >= CHECK_INTERVAL_S:
            self._checked_s = at_s
            self._newest_fault = self._check(image)
        if self._newest_fault is None and gap_s > self._late_after_s:
            self._update_fault("late", at_s - gap_s, at_s)
        else:
            self._update_fault(self._newest_fault, at_s, at_s)

    def reopening_is_due(self, at_s: float) -> bool:
        """Returns whether the camera should be reopened now: True once, then again after a wait that doubles."""
        if self.fault is None or at_s < self._reopen_at_s:
            return False
        self._reopen_at_s = at_s + self._reopen_wait_s
        self._reopen_wait_s = min(2 * self._reopen_wait_s, MAX_REOPEN_WAIT_S)
        return True

    def _check(self, image: Image) -> PictureFault | None:
        previous, self._sample = self._sample, image[::GRID, ::GRID].copy()
        if is_black(image):
            return "black"  # First, because black pictures are equal as well.
        if previous is not None and np.array_equal(previous, self._sample):
            return "frozen"  # The noise of a working sensor makes each picture different.
        return "noise" if is_noise(image) else None

    def _update_fault(self, newest: PictureFault | None, since_s: float, at_s: float) -> None:
        """Sets ``fault`` when ``newest`` has lasted long enough. ``since_s`` is when it began, if it is new."""
        if newest != self._candidate:
            self._candidate, self._since_s = newest, since_s
        lasted_s = at_s - self._since_s
        if newest is None:
            if self.fault is not None and lasted_s >= min(GOOD_AFTER_S, self._fault_after_s):
                self.fault = None
                self._reopen_wait_s = self._fault_after_s
        elif lasted_s >= self._fault_after_s and newest != self.fault:
            self.fault = newest
            self._reopen_at_s = at_s
