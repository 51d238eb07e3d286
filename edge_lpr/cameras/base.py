"""The one protocol that every camera follows, and how a live picture gets its time.

A camera is a plain blocking thing: opened, read picture by picture, closed. It knows nothing of threads, of dropping or
of trying again: ``FrameSource`` does that for all of them.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_lpr.frames import Frame


class Camera(Protocol):
    """Something that gives frames. All calls come from one thread; after ``close`` it may be opened again.

    Frame numbers count on over a reopening, so that no two frames of one run share a number.
    """

    @property
    def name(self) -> str:
        """What a person would call it; never holds a password."""
        ...

    @property
    def live(self) -> bool:
        """True: pictures come at their own pace and only the newest matters. False: a recording, every frame counts."""
        ...

    def open(self) -> None:
        """Make ready to read. Raises CameraError with the remedy."""
        ...

    def read(self) -> Frame | None:
        """The next frame; None when a recording is over. Raises CameraError."""
        ...

    def close(self) -> None:
        """Give the device back; a camera that is not open is left alone. Raises CameraError."""
        ...


def live_frame(image: NDArray[np.uint8], number: int, source: str, age_s: float) -> Frame:
    """A frame that was taken ``age_s`` seconds ago, stamped on both clocks.

    ``image`` is uint8 of shape (height, width, 3), BGR; it is made read-only, as frames are shared.
    """
    image.setflags(write=False)
    return Frame(
        image=image,
        number=number,
        monotonic_s=time.monotonic() - age_s,
        captured_at=datetime.now().astimezone() - timedelta(seconds=age_s),
        source=source,
    )


def recorded_frame(image: NDArray[np.uint8], number: int, fps: float, source: str) -> Frame:
    """Frame ``number`` of a recording that runs at ``fps``; its time is the recording's own, from 0.0 s.

    ``image`` is uint8 of shape (height, width, 3), BGR; it is made read-only, as frames are shared.
    """
    image.setflags(write=False)
    return Frame(
        image=image,
        number=number,
        monotonic_s=number / fps,
        captured_at=datetime.now().astimezone(),
        source=source,
    )
