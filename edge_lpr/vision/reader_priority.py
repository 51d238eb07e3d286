"""One reader, two kinds of callers: the camera loop, which the gate waits for, and guests, who ask by request.

The processor is the scarce thing, so only one of them reads at a time. The camera goes first: a guest gives the reader
up after every inference when the camera waits. So that guests get on even where the camera never pauses, one waiting
guest has one inference after each frame. The camera's next frame is thus delayed by at most one inference.
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
"""Stages of the reader behind which the next inference starts, or nothing more comes."""


class ReaderPriority:
    """Mutual exclusion in which the camera goes first. ``camera`` and ``background`` are context managers."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._cameras_waiting = 0
        self._background_waiting = 0
        self._background_is_due = False

    @contextmanager
    def camera(self) -> Iterator[None]:
        """The camera's turn; while it waits, no guest begins an inference but the one that is due."""
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
        """A guest's turn, one guest at a time."""
        with self._changed:
            self._wait_in_background()
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()

    def yield_to_camera(self) -> None:
        """Between two inferences: let the camera go first if it waits."""
        with self._changed:
            if self._cameras_waiting:
                self._taken = False
                self._changed.notify_all()
                self._wait_in_background()

    def _wait_in_background(self) -> None:
        self._background_waiting += 1
        try:
            self._changed.wait_for(lambda: not self._taken and (self._background_is_due or not self._cameras_waiting))
        finally:
            self._background_waiting -= 1
            self._background_is_due = False
        self._taken = True


class SharedReader:
    """The reader as the camera loop and as guests use it; both ways may be called from any thread."""

    def __init__(self, reader: PlateReader) -> None:
        self._reader = reader
        self._priority = ReaderPriority()

    def replace(self, reader: PlateReader) -> None:
        """Read with another reader from the next picture on; a guest's that is being read is read to its end."""
        self._reader = reader

    def read_for_camera(
        self, image: NDArray[np.uint8], on_narrow_plates: NarrowPlatesObserver | None = None
    ) -> list[PlateReading]:
        """``PlateReader.read``, before every background request.

        ``on_narrow_plates`` receives the plates that are too narrow to read.
        """
        with self._priority.camera():
            return self._reader.read(image, on_narrow_plates=on_narrow_plates)

    def read_for_request(self, image: NDArray[np.uint8]) -> list[PlateReading]:
        """``PlateReader.read`` of a photo, in the pauses that the camera leaves."""
        with self._priority.background():
            return self._reader.read(image, self._after_stage, PHOTO_MIN_PLATE_WIDTH)

    def _after_stage(self, stage: str, _seconds: float) -> None:
        if stage in _YIELD_AFTER_STAGES:
            self._priority.yield_to_camera()
