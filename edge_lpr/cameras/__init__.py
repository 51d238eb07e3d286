"""Cameras: one protocol; the Pi's own, USB, network streams, video files and folders of photos behind it."""

from __future__ import annotations

from edge_lpr.cameras.base import Camera
from edge_lpr.cameras.metering import LightMeter
from edge_lpr.cameras.source import CameraFault, CameraState, CameraStatus, FrameSource
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
"""Pictures further apart than this show a vehicle too seldom to follow it."""


def create_camera(settings: CameraSettings, meter: LightMeter | None = None) -> Camera:
    """The camera that the settings ask for, not yet opened. Only its own back-end is imported.

    ``meter`` tells where the light matters, to a camera that can be told how to expose; None: in the whole picture.
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
    """The same camera ready to run in a thread of its own, with the waits that the settings ask for."""
    return FrameSource(
        create_camera(settings, meter),
        reopen_min_s=settings.reopen_min_s,
        reopen_max_s=settings.reopen_max_s,
        # Every camera keeps to the read time-out; one that takes three of them hangs.
        stall_after_s=3 * settings.read_timeout_s,
        fault_after_s=settings.fault_after_s,
        # A camera that was asked for a slow rate is not late when it keeps to it.
        late_after_s=LATE_AFTER_S if settings.fps is None else max(LATE_AFTER_S, 2 / settings.fps),
    )
