"""USB and other V4L2 cameras, by number or by path."""

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

    ``source`` is its number (``0`` is /dev/video0; empty means 0), a path, or its serial number or name. A path
    below /dev/v4l/by-id, a serial number and a name still lead to the camera when the kernel, after it was unplugged,
    gives it another number: they are looked up at each opening.
    """

    def __init__(self, settings: CameraSettings) -> None:
        source = settings.source.strip() or "0"
        self._wanted = f"/dev/video{source}" if source.isdecimal() and len(source) < 4 else source
        self._settings = settings
        super().__init__(f"USB camera {self._wanted}", settings.read_timeout_s)

    def _open(self) -> cv2.VideoCapture:
        path = self._node()
        # V4L2 has no property for its time-out: OpenCV takes it, in whole seconds, from the environment at the
        # process's first wait for a picture.
        os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = str(math.ceil(self._settings.read_timeout_s))
        capture = open_capture(str(path), cv2.CAP_V4L2)
        if capture is None:
            raise CameraError(
                f"{self.name} cannot be opened: it is no capture device, or another program holds it "
                f"(`v4l2-ctl --list-devices` shows the capture devices, `fuser {path}` who holds it)"
            )
        self._configure(capture)
        return capture

    def _node(self) -> Path:
        """The device node that the camera has now. Raises CameraError where it has none that may be used."""
        path = Path(self._wanted) if self._wanted.startswith("/") else v4l2.find(self._wanted)
        if path is None or not path.exists():
            raise CameraError(f"{self.name} is not there; plug it in, or choose from `v4l2-ctl --list-devices`")
        if not path.is_char_device():
            raise CameraError(f"{self.name} is no device; camera.source takes a number or a path such as /dev/video0")
        if not os.access(path, os.R_OK | os.W_OK):
            raise CameraError(f"{self.name} may not be used by this user; add the user to the group `video`")
        return path

    def _configure(self, capture: cv2.VideoCapture) -> None:
        """Ask for compressed pictures of the wanted size and rate; a camera takes the nearest that it has."""
        # Uncompressed, USB 2 carries 1280x720 at no more than about 10 frames a second.
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
