"""One picture from a camera, with the time it was taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture.

    ``image`` is uint8 of shape (height, width, 3), BGR, and is never written to. ``number`` counts the camera's
    frames from 0 and skips those that were dropped. ``monotonic_s`` is in seconds on one clock that never steps
    (for a recorded clip: the clip's own time); all reckoning uses it. ``captured_at`` is the wall clock, aware of
    its offset, and serves only to stamp messages. ``source`` names the photo, clip or camera for people.
    """

    image: NDArray[np.uint8]
    number: int
    monotonic_s: float
    captured_at: datetime
    source: str

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.image.shape[0])
