"""Whether the pictures of a live camera can be believed: in time, moving, lit, and of something.

A camera that gives pictures may still be blind: its driver repeats one buffer, its sensor is dead, its cable gives
noise. Judged is a small sample, a few times a second, so that a Pi does not notice. Only what lasts is a fault: one
black picture is a truck before the lens. A fault withholds no picture from the reader; being wrong about one costs a
reopening and nothing else. Recordings are never judged: they may hold a picture as long as they like.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

PictureFault = Literal["late", "frozen", "black", "noise"]

CHECK_INTERVAL_S = 0.2
"""Seconds between two judgements."""

GOOD_AFTER_S = 1.0
"""Seconds of good pictures that end a fault."""

LONGEST_REOPEN_WAIT_S = 600.0
"""Between two reopenings of a camera whose pictures stay bad; a lane without light is black all night."""

GRID = 8
"""Of so many rows and columns one is looked at, for black and frozen."""

NOISE_ROWS = 16
"""Of so many rows one is looked at for noise, with all its columns."""

BLACK = 24
"""Brightness (0-255) that 99 of 100 pixels of a black picture stay below."""

NOISE_SPREAD = 25.0
"""The least standard deviation of noise (0-255). Full-range noise has 75 and, smoothed by JPEG, 48; the noise of a
sensor at night stays below 15."""

NOISE_LIKENESS = 0.5
"""Correlation of neighbouring pixels below which a picture shows nothing. The lowest of 500 road scenes is 0.66."""

REMEDIES: dict[PictureFault, str] = {
    "late": "gives pictures too far apart to follow a vehicle; check its cable or network, and its exposure time",
    "frozen": "gives the same picture again and again; check its driver and its firmware",
    "black": "gives black pictures; take the lens cap off, light the lane, or change the camera",
    "noise": "gives noise instead of pictures; check its ribbon cable and its plug",
}
"""What a person is told of each fault, and what to do."""

Image = NDArray[np.uint8]


def is_black(image: Image) -> bool:
    """Whether hardly a pixel of ``image``, uint8 of shape (H, W, 3), is brighter than black."""
    sample = image[::GRID, ::GRID]
    return int(np.count_nonzero(sample >= BLACK)) <= sample.size // 100


def is_noise(image: Image) -> bool:
    """Whether ``image``, uint8 of shape (H, W, 3), is of nothing: its pixels do not resemble their neighbours."""
    green = image[::NOISE_ROWS, :, 1].astype(np.float32)
    variance = float(green.var())
    if variance < NOISE_SPREAD**2 or green.shape[1] < 2:
        return False
    return 1 - float(np.diff(green, axis=1).var()) / (2 * variance) < NOISE_LIKENESS


class PictureHealthMonitor:
    """Looks at a live camera's pictures as they come. Times in seconds on the monotonic clock.

    ``fault_after_s``: for how long pictures must be bad. ``late_after_s``: pictures further apart are late.
    """

    def __init__(self, fault_after_s: float, late_after_s: float) -> None:
        self.fault: PictureFault | None = None
        """What has been wrong for ``fault_after_s``, until pictures are good again."""
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
        """The camera was opened (again): the pause before its next picture is nobody's fault."""
        self._last_s = None

    def add_picture(self, image: Image, at_s: float) -> None:
        """One picture, uint8 of shape (H, W, 3), BGR, that came at ``at_s``."""
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
        """Whether the camera should be opened again now. True once, then again after a wait that doubles."""
        if self.fault is None or at_s < self._reopen_at_s:
            return False
        self._reopen_at_s = at_s + self._reopen_wait_s
        self._reopen_wait_s = min(2 * self._reopen_wait_s, LONGEST_REOPEN_WAIT_S)
        return True

    def _check(self, image: Image) -> PictureFault | None:
        before, self._sample = self._sample, image[::GRID, ::GRID].copy()
        if is_black(image):
            return "black"  # first, as nothing moves in a black picture
        if before is not None and np.array_equal(before, self._sample):
            return "frozen"  # a real sensor's noise makes every picture another one
        return "noise" if is_noise(image) else None

    def _update_fault(self, judgement: PictureFault | None, since_s: float, at_s: float) -> None:
        if judgement != self._candidate:
            self._candidate, self._since_s = judgement, since_s
        lasted_s = at_s - self._since_s
        if judgement is None:
            if self.fault is not None and lasted_s >= min(GOOD_AFTER_S, self._fault_after_s):
                self.fault = None
                self._reopen_wait_s = self._fault_after_s
        elif lasted_s >= self._fault_after_s and judgement != self.fault:
            self.fault = judgement
            self._reopen_at_s = at_s
