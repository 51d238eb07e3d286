"""Shared code of the cameras that use OpenCV's ``VideoCapture``: quiet opening, and reading of live pictures."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.cameras.base import live_frame
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame

Image = NDArray[np.uint8]

_SILENT = 0
"""OpenCV's LOG_LEVEL_SILENT."""


def open_capture(source: str, backend: int, parameters: Sequence[int] = ()) -> cv2.VideoCapture | None:
    """Opens ``source`` with exactly one backend (a ``cv2.CAP_*`` number). Returns None if this fails.

    ``parameters`` are pairs of a ``cv2.CAP_PROP_*`` number and its value that are needed while opening.
    """
    _silence()
    try:
        capture = cv2.VideoCapture(source, backend, list(parameters))
    except cv2.error:
        return None
    if capture.isOpened():
        return capture
    capture.release()
    return None


def retrieve(capture: cv2.VideoCapture) -> Image | None:
    """Decodes the last grabbed picture, uint8 of shape (height, width, 3), BGR. Returns None if it is damaged."""
    try:
        decoded, image = capture.retrieve()
    except cv2.error:
        return None
    if not decoded or image is None or image.ndim != 3 or image.shape[2] != 3:
        return None
    return cast(Image, image)


class LiveCapture(ABC):
    """A live camera that is read with ``VideoCapture``. Subclasses implement how it is opened."""

    live = True

    def __init__(self, name: str, read_timeout_s: float) -> None:
        self.name = name
        self._read_timeout_s = read_timeout_s
        self._capture: cv2.VideoCapture | None = None
        self._number = 0

    @abstractmethod
    def _open(self) -> cv2.VideoCapture:
        """Returns the opened capture. Raises CameraError."""

    def open(self) -> None:
        """Opens the device or connection. Raises CameraError with the remedy."""
        self.close()
        self._capture = self._open()

    def read(self) -> Frame:
        """Returns the next picture. Damaged pictures are skipped.

        Raises CameraError if no picture comes, or if all pictures are damaged for the whole read timeout.
        """
        if self._capture is None:
            raise CameraError(f"{self.name} is not open")
        deadline_s = time.monotonic() + self._read_timeout_s
        while self._grab(self._capture):
            grabbed_s = time.monotonic()
            image = retrieve(self._capture)
            if image is not None:
                frame = live_frame(image, self._number, self.name, age_s=time.monotonic() - grabbed_s)
                self._number += 1
                return frame
            if grabbed_s > deadline_s:
                raise CameraError(f"{self.name} sends only pictures that cannot be decoded; check the cable or network")
        raise CameraError(f"{self.name} stopped sending pictures; check its power and its cable or network")

    def close(self) -> None:
        """Releases the device or connection."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    @staticmethod
    def _grab(capture: cv2.VideoCapture) -> bool:
        try:
            return bool(capture.grab())
        except cv2.error:
            return False


def _silence() -> None:
    """Stops OpenCV and FFmpeg from writing to stderr. This package logs each fault once, without passwords in URLs.

    ``OPENCV_LOG_LEVEL`` and ``OPENCV_FFMPEG_LOGLEVEL`` in the environment enable their output again.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # AV_LOG_QUIET
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # OpenCV 4 has only the first function, OpenCV 5 only the second.
        set_level: Callable[[int], object] = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel
        set_level(_SILENT)
