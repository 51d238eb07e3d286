"""Network cameras: RTSP, and MJPEG or video over HTTP."""

from __future__ import annotations

import os
import re

import cv2

from edge_lpr.cameras.opencv import LiveCapture, open_capture
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError

# Greedy up to the last "@": passwords contain "@", "/" and "#" more often than camera paths contain "@".
_USER_INFO = re.compile(r"^([A-Za-z][\w+.-]*://)([^:@/]*):.*@")
_SECRET_PARAMETER = re.compile(r"([?&][^=&]*(?:pass|pwd|token|key|secret|auth)[^=&]*=)[^&#]*", re.IGNORECASE)


class StreamCamera(LiveCapture):
    """A camera at a URL.

    ``rtsp_transport`` is ``tcp`` (complete pictures) or ``udp`` (shorter delay, for networks without packet loss).
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._url = settings.source
        self._rtsp_transport = settings.rtsp_transport
        super().__init__(f"stream {redact_url(self._url)}", settings.read_timeout_s)

    def _open(self) -> cv2.VideoCapture:
        if self._url.lower().startswith(("rtsp://", "rtsps://")):
            # OpenCV passes FFmpeg options only from the environment. It reads them at each opening.
            os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = f"rtsp_transport;{self._rtsp_transport}"
        timeout_ms = round(self._read_timeout_s * 1000)
        capture = open_capture(
            self._url,
            cv2.CAP_FFMPEG,
            [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms],
        )
        if capture is None:
            raise CameraError(
                f"{self.name} cannot be opened; check that the camera is on, and its address, user and password"
            )
        return capture


def redact_url(url: str) -> str:
    """Returns ``url`` for logs and messages: without its password and the values of secret-looking parameters."""
    return _SECRET_PARAMETER.sub(r"\1***", _USER_INFO.sub(r"\1\2:***@", url))
