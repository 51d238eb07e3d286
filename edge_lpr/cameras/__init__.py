"""Cameras behind one protocol: Raspberry Pi camera, USB, network stream, video file and folder of photos."""

from __future__ import annotations

from edge_lpr.cameras.base import Camera
from edge_lpr.cameras.metering import LightMeter
from edge_lpr.cameras.source import FrameSource
from edge_lpr.cameras.status import CameraFault, CameraState, CameraStatus
from edge_lpr.config import CameraSettings

__all__ = [
    "Camera",
    "CameraFault",
    "CameraState",
    "CameraStatus",
    "FrameSource",
    "LightMeter",
    "create_camera",
    "create_source",
]


LATE_AFTER_S = 1.0
"""Seconds between two pictures above which a vehicle cannot be tracked."""


def create_camera(settings: CameraSettings, meter: LightMeter | None = None) -> Camera:
    """Returns the camera of the settings, not opened yet. Only its own backend is imported.

    ``meter`` measures the brightness for cameras with exposure control; None measures the whole picture.
    """
    match settings.type:
        case "pi":
            from edge_lpr.cameras.pi import PiCamera

            return PiCamera(settings, meter or LightMeter())
        case "usb":
            from edge_lpr.cameras.usb import UsbCamera

            return UsbCamera(settings)
        case "stream":
            from edge_lpr.cameras.stream import StreamCamera

            return StreamCamera(settings)
        case "video":
            from edge_lpr.cameras.files import VideoFile

            return VideoFile(settings)
        case "photos":
            from edge_lpr.cameras.files import PhotoFolder

            return PhotoFolder(settings)


def create_source(settings: CameraSettings, meter: LightMeter | None = None) -> FrameSource:
    """Returns the camera of the settings as a ``FrameSource``, which runs it in its own thread."""
    return FrameSource(
        create_camera(settings, meter),
        reopen_min_s=settings.reopen_min_s,
        reopen_max_s=settings.reopen_max_s,
        # Every camera keeps to the read timeout. A call that takes three times as long hangs.
        stall_after_s=3 * settings.read_timeout_s,
        fault_after_s=settings.fault_after_s,
        # A camera that is configured for a low frame rate is not late at this rate.
        late_after_s=LATE_AFTER_S if settings.fps is None else max(LATE_AFTER_S, 2 / settings.fps),
    )
