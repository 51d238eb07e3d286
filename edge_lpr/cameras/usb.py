"""USB and other V4L2 cameras, by number, path, serial number or name."""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

import cv2

from edge_lpr.cameras import v4l2
from edge_lpr.cameras.opencv import LiveCapture, open_capture
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError

_log = logging.getLogger(__name__)


class UsbCamera(LiveCapture):
    """A V4L2 capture device.

    ``source`` is its number (``0`` is /dev/video0; empty means 0), a path, its serial number or its name. The number
    may change when the camera is plugged in again. A path below /dev/v4l/by-id, a serial number and a name stay valid,
    because they are looked up at each opening.
    """

    def __init__(self, settings: CameraSettings) -> None:
        source = settings.source.strip() or "0"
        self._source = f"/dev/video{source}" if source.isdecimal() and len(source) < 4 else source
        self._settings = settings
        super().__init__(f"USB camera {self._source}", settings.read_timeout_s)

    def _open(self) -> cv2.VideoCapture:
        path = self._find_node()
        # V4L2 has no timeout property. OpenCV reads it, in whole seconds, from the environment when the process first
        # waits for a picture.
        os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(math.ceil(self._settings.read_timeout_s))
        capture = open_capture(str(path), cv2.CAP_V4L2)
        if capture is None:
            raise CameraError(
                f"{self.name} cannot be opened: it is no capture device, or another program holds it "
                f"(`v4l2-ctl --list-devices` shows the capture devices, `fuser {path}` who holds it)"
            )
        self._configure(capture)
        return capture

    def _find_node(self) -> Path:
        """Returns the camera's present device node. Raises CameraError if there is none or it cannot be used."""
        path = Path(self._source) if self._source.startswith("/") else v4l2.find(self._source)
        if path is None or not path.exists():
            raise CameraError(f"{self.name} is not there; plug it in, or choose from `v4l2-ctl --list-devices`")
        if not path.is_char_device():
            raise CameraError(f"{self.name} is no device; camera.source takes a number or a path such as /dev/video0")
        if not os.access(path, os.R_OK | os.W_OK):
            raise CameraError(f"{self.name} may not be used by this user; add the user to the group `video`")
        return path

    def _configure(self, capture: cv2.VideoCapture) -> None:
        """Requests compressed pictures, and the size and rate of the settings. The camera uses the nearest it has."""
        # Over USB 2, uncompressed 1280x720 is limited to about 10 frames per second.
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._settings.width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._settings.height)
        if self._settings.fps is not None:
            capture.set(cv2.CAP_PROP_FPS, self._settings.fps)
        width, height = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if (width, height) != (self._settings.width, self._settings.height):
            _log.warning(
                "%s gives %dx%d pixels instead of %dx%d",
                self.name, width, height, self._settings.width, self._settings.height,
            )  # fmt: skip
