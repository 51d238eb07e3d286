"""Recordings: a video file, or a folder of photos. All frames are given in order, as fast as they are requested."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from pathlib import Path

import cv2

from edge_lpr.cameras.base import recorded_frame
from edge_lpr.cameras.opencv import Image, open_capture, retrieve
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError, ImageError
from edge_lpr.frames import Frame
from edge_lpr.images import read_picture

_log = logging.getLogger(__name__)

# Unsupported formats are listed too: a TIFF among the photos must be reported, not silently skipped.
_PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"})
# Frames of photos are 0.2 s apart unless camera.fps is set.
_PHOTO_FPS = 5.0
_FALLBACK_FPS = 25.0
# A higher frame rate in a container means a damaged header.
_MAX_FPS = 1000.0


class VideoFile:
    """A video file. The time of a frame is its index divided by the frame rate (``camera.fps`` if set).

    With ``loop`` the file starts again at its end; frame numbers and times continue.
    """

    live = False

    def __init__(self, settings: CameraSettings) -> None:
        self._path = Path(settings.source)
        self._loop = settings.loop
        self._fps = settings.fps
        self._capture: cv2.VideoCapture | None = None
        self._number = 0
        self._round_start = 0
        self.name = f"video {self._path}"

    def open(self) -> None:
        """Opens the file at its beginning. Raises CameraError if it is missing or no video."""
        self.close()
        if not self._path.is_file():
            raise CameraError(f"{self.name}: no such file; check camera.source")
        capture = open_capture(str(self._path), cv2.CAP_FFMPEG)
        if capture is None:
            raise CameraError(f"{self.name}: damaged, cut short, or no video; does it play in a video player?")
        self._capture = capture
        self._fps = self._fps or self._file_fps(capture)
        self._round_start = self._number

    def read(self) -> Frame | None:
        """Returns the next frame; None after the last. Raises CameraError if the file contains no frame at all."""
        if self._capture is None or self._fps is None:
            raise CameraError(f"{self.name} is not open")
        image = _next_image(self._capture)
        if image is None:
            self._check_complete(self._capture)
            if not self._loop:
                return None
            # Reopening works for all containers. Some cannot be rewound.
            self.open()
            image = _next_image(self._capture)
            if image is None:
                raise CameraError(f"{self.name}: could not be started again")
        frame = recorded_frame(image, self._number, self._fps, str(self._path))
        self._number += 1
        return frame

    def close(self) -> None:
        """Closes the file."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _file_fps(self, capture: cv2.VideoCapture) -> float:
        fps = capture.get(cv2.CAP_PROP_FPS)
        if math.isfinite(fps) and 0 < fps <= _MAX_FPS:
            return float(fps)
        _log.warning("%s has no valid frame rate; %g is used (camera.fps sets it)", self.name, _FALLBACK_FPS)
        return _FALLBACK_FPS

    def _check_complete(self, capture: cv2.VideoCapture) -> None:
        """Logs a file that ended early. Raises CameraError if it gave no frame."""
        given, promised = self._number - self._round_start, int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if given == 0:
            raise CameraError(f"{self.name}: holds no picture that can be decoded")
        # In some formats the frame count is an estimate. With `loop` the warning is logged only once.
        if given < 0.95 * promised and self._round_start == 0:
            _log.warning("%s: ended after %d of %d frames; the rest is missing or damaged", self.name, given, promised)


class PhotoFolder:
    """The photos of a folder in name order, or one photo. Each photo gives ``hold`` frames with its own ``source``.

    A photo that cannot be read is logged once, counted in ``skipped`` and left out.
    """

    live = False

    def __init__(self, settings: CameraSettings) -> None:
        self._path = Path(settings.source)
        self._loop = settings.loop
        self._hold = settings.hold
        self._fps = settings.fps or _PHOTO_FPS
        self._frames: Iterator[Frame] | None = None
        self._number = 0
        self._bad: dict[Path, ImageError] = {}
        self._incomplete: set[Path] = set()
        self.name = f"photos {self._path}"

    @property
    def skipped(self) -> int:
        """Number of photos that could not be read. Each counts once, also with ``loop``."""
        return len(self._bad)

    def open(self) -> None:
        """Lists the folder. Raises CameraError if it is missing or contains no photo."""
        photos = self._list()
        if not photos:
            raise CameraError(f"{self.name}: no photo in it; put JPEG, PNG, BMP or WebP photos there")
        self._frames = self._play(photos)

    def read(self) -> Frame | None:
        """Returns the next frame; None after the last. Raises CameraError if no photo can be read."""
        if self._frames is None:
            raise CameraError(f"{self.name} is not open")
        return next(self._frames, None)

    def close(self) -> None:
        """Discards the position in the folder."""
        self._frames = None

    def _list(self) -> list[Path]:
        if self._path.is_file():
            return [self._path]
        if not self._path.is_dir():
            raise CameraError(f"{self.name}: no such folder; check camera.source")
        try:
            entries = sorted(self._path.iterdir(), key=lambda path: path.name)
        except OSError as error:
            raise CameraError(f"{self.name}: cannot be listed: {error.strerror}") from error
        return [path for path in entries if _is_photo(path)]

    def _play(self, photos: list[Path]) -> Iterator[Frame]:
        while True:
            for path in photos:
                image = self._load(path)
                if image is None:
                    continue
                for _ in range(self._hold):
                    yield recorded_frame(image, self._number, self._fps, str(path))
                    self._number += 1
            if self._number == 0:
                first = next(iter(self._bad.values()))
                raise CameraError(f"{self.name}: none of the {len(photos)} photos can be read; the first: {first}")
            if not self._loop:
                return

    def _load(self, path: Path) -> Image | None:
        if path in self._bad:
            return None
        try:
            picture = read_picture(path)
        except ImageError as error:
            self._bad[path] = error
            _log.warning("photo skipped: %s", error)
            return None
        if picture.flaw is not None and path not in self._incomplete:
            self._incomplete.add(path)
            _log.warning("photo not whole: %s: %s", path, picture.flaw)
        return picture.pixels


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in _PHOTO_SUFFIXES and not path.name.startswith(".") and path.is_file()


def _next_image(capture: cv2.VideoCapture) -> Image | None:
    try:
        return retrieve(capture) if capture.grab() else None
    except cv2.error:
        return None
