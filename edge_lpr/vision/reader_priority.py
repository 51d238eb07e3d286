"""Shares one reader between the camera loop and background requests; the camera has priority.

Only one caller reads at a time, because the processor is the bottleneck. The camera goes first: a background request
releases the reader after each inference if the camera waits. So that requests also proceed while the camera never
pauses, one waiting request runs one inference after each frame. The camera thus waits for at most one inference.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH
from edge_lpr.readings import PlateReading
from edge_lpr.vision.reader import NarrowPlatesObserver, PlateReader

_YIELD_AFTER_STAGES = ("detect", "refine", "decode")
"""Stages of the reader after which the next inference starts, or the reading ends."""


class ReaderPriority:
    """A lock with two priorities. ``camera`` and ``background`` are context managers that hold it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._cameras_waiting = 0
        self._background_waiting = 0
        self._background_is_due = False

    @contextmanager
    def camera(self) -> Iterator[None]:
        """Holds the lock for the camera.

        While the camera waits, no background request starts an inference, except the one that is due.
        """
        with self._changed:
            self._cameras_waiting += 1
            try:
                self._changed.wait_for(lambda: not self._taken and not self._background_is_due)
            finally:
                self._cameras_waiting -= 1
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._background_is_due = self._background_waiting > 0
                self._changed.notify_all()

    @contextmanager
    def background(self) -> Iterator[None]:
        """Holds the lock for a background request, one request at a time."""
        with self._changed:
            self._acquire_for_background()
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def yield_to_camera(self) -> None:
        """Releases the lock and takes it again if the camera waits. Call it inside ``background``, between inferences.

        Blocks until the lock is held again.
        """
        with self._changed:
            if self._cameras_waiting:
                self._taken = False
                self._changed.notify_all()
                self._acquire_for_background()

    def _acquire_for_background(self) -> None:
        self._background_waiting += 1
        try:
            self._changed.wait_for(lambda: not self._taken and (self._background_is_due or not self._cameras_waiting))
        finally:
            self._background_waiting -= 1
            self._background_is_due = False
        self._taken = True


class SharedReader:
    """One reader for the camera loop and for requests. All methods may be called from any thread."""

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader
        self._priority = ReaderPriority()

    def replace(self, reader: PlateReader) -> None:
        """Uses ``reader`` from the next picture on. A picture that is being read is finished with the old reader."""
        self._reader = reader

    def read_for_camera(
        self, image: NDArray[np.uint8], on_narrow_plates: NarrowPlatesObserver | None = None
    ) -> list[PlateReading]:
        """Reads a camera frame with ``PlateReader.read``, before all requests."""
        with self._priority.camera():
            return self._reader.read(image, on_narrow_plates=on_narrow_plates, single_scale=True)

    def read_for_request(self, image: NDArray[np.uint8]) -> list[PlateReading]:
        """Reads the photo of a request with ``PlateReader.read``, while the camera does not need the reader."""
        with self._priority.background():
            return self._reader.read(image, self._after_stage, PHOTO_MIN_PLATE_WIDTH)

    def _after_stage(self, stage: str, _seconds: float) -> None:
        if stage in _YIELD_AFTER_STAGES:
            self._priority.yield_to_camera()
