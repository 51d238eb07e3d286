"""One picture from a camera, with the time at which it was captured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One captured picture.

    Attributes:
        image: uint8 of shape (height, width, 3), BGR. Never written to.
        number: Counts the camera's frames from 0, without those that were dropped.
        monotonic_s: Seconds on a clock that never steps; for a recorded clip, the clip's own time. All time
            differences are computed from this field.
        captured_at: Wall-clock time with its UTC offset. Used only for the timestamps of messages.
        source: Name of the photo, clip or camera, for people.
    """

    image: NDArray[np.uint8]
    number: int
    monotonic_s: float
    captured_at: datetime
    source: str

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])
