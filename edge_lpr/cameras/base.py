"""The protocol of all cameras, and the time stamps of frames.

A camera is a simple blocking object: it is opened, read frame by frame, and closed. Threads, dropped frames and
reopening are the task of ``FrameSource``.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_lpr.frames import Frame


class Camera(Protocol):
    """A source of frames. All calls come from one thread. A closed camera may be opened again.

    Frame numbers continue after reopening, so no two frames of one run have the same number.
    """

    @property
    def name(self) -> str:
        """Name for logs and messages. It never contains a password."""
        ...

    @property
    def live(self) -> bool:
        """True for a live camera, of which only the newest frame matters; False for a recording, of which all do."""
        ...

    def open(self) -> None:
        """Opens the camera. Raises CameraError with the remedy."""
        ...

    def read(self) -> Frame | None:
        """Returns the next frame; None at the end of a recording. Raises CameraError."""
        ...

    def close(self) -> None:
        """Closes the camera. Does nothing if it is not open. Raises CameraError."""
        ...


def live_frame(image: NDArray[np.uint8], number: int, source: str, age_s: float) -> Frame:
    """Returns a frame that was captured ``age_s`` seconds ago, with the time on both clocks.

    ``image`` is uint8 of shape (height, width, 3), BGR. It is made read-only, because frames are shared.
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
    """Returns frame ``number`` of a recording with ``fps`` frames per second. Its time is ``number / fps`` seconds.

    ``image`` is uint8 of shape (height, width, 3), BGR. It is made read-only, because frames are shared.
    """
    image.setflags(write=False)
    return Frame(
        image=image,
        number=number,
        monotonic_s=number / fps,
        captured_at=datetime.now().astimezone(),
        source=source,
    )
