"""Settings of the section ``camera``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from edge_lpr.config.types import (
    FramesPerSecond,
    Milliseconds,
    Pixels,
    Seconds,
    Section,
    Unit,
    from_folder,
    number_as_text,
)


def _list_as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


# Strict(False) alone does not accept a list here: before 2.11, pydantic ignores it inside a union.
Control = bool | int | float | str | Annotated[tuple[int | float, ...], BeforeValidator(_list_as_tuple)]


class PiCameraSettings(Section):
    """Only for ``camera.type: pi``."""

    lores_width: Pixels = Field(default=640, ge=64, le=4096, multiple_of=2)
    """Width of the small picture that the camera gives beside the full one."""

    lores_height: Pixels = Field(default=360, ge=64, le=4096, multiple_of=2)
    """Height of the small picture."""

    rotation: Literal[0, 180] = 0
    """Rotation of the picture in degrees. 180 is for a camera that is mounted upside down."""

    max_exposure_ms: Milliseconds | None = Field(default=4.0, ge=0.05, le=1000)
    """Longest exposure, by day and by night. At 10 km/h a car moves 11 mm in 4 ms.

    With a number, the lane and the plates in it determine the exposure. ``null``: the camera controls the exposure and
    uses the whole picture.
    """

    max_gain: float = Field(default=16.0, ge=1, le=64)
    """Highest analogue gain. More gain makes pictures at night brighter and noisier."""

    controls: dict[str, Control] = Field(default={})
    """picamera2 controls by name, such as ``{AfMode: Manual, LensPosition: 0.2}``.

    With ``{ExposureTime: 2000, AnalogueGain: 4}`` exposure and gain stay fixed.
    """


class CameraSettings(Section):
    """The camera that frames come from."""

    type: Literal["pi", "usb", "stream", "video", "photos"] = "pi"
    """pi: a camera on the Raspberry Pi's ribbon cable; usb: a USB camera; stream: a network camera; video: a
    video file; photos: a folder of photos."""

    source: Annotated[str, BeforeValidator(number_as_text)] = Field(default="", validate_default=True)
    """pi: the camera's number, as ``rpicam-hello --list-cameras`` shows it. usb: a number, a path such as
    ``/dev/v4l/by-id/usb-...``, or the camera's name or serial number. The number can change, the others do not.

    stream: an rtsp:// or http:// address. video: a file. photos: a folder. Empty: the first camera (pi, usb).
    """

    loop: bool = False
    """video, photos: start again at the end. With false the service ends after the last frame."""

    fps: FramesPerSecond | None = Field(default=None, gt=0, le=240)
    """Frame rate requested from the camera. ``null``: the camera's own rate.

    video, photos: the rate from which the times of the frames are computed. ``null``: the video's own rate, 5 for
    photos.
    """

    width: Pixels = Field(default=1280, ge=160, le=8192, multiple_of=2)
    """Frame width requested from pi and usb cameras."""

    height: Pixels = Field(default=720, ge=120, le=8192, multiple_of=2)
    """Frame height requested from pi and usb cameras."""

    hold: Annotated[int, Unit("frames")] = Field(default=5, ge=1, le=1000)
    """photos: number of frames for which each photo is shown."""

    read_timeout_s: Seconds = Field(default=5.0, gt=0, le=300)
    """After this time without a frame the camera has failed and is reopened."""

    reopen_min_s: Seconds = Field(default=1.0, gt=0, le=3600)
    """Wait before the first attempt to reopen the camera. Each further wait is twice as long."""

    reopen_max_s: Seconds = Field(default=30.0, gt=0, le=3600, validate_default=True)
    """Longest wait between two attempts. Not below ``reopen_min_s``."""

    fault_after_s: Seconds = Field(default=20.0, gt=0, le=3600)
    """A live camera has a fault when its pictures are black, frozen, noisy or late (more than 1 s apart) for this
    time. Health then names the fault, and the camera is reopened."""

    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    """stream: tcp gives undamaged pictures, udp has less delay."""

    pi: PiCameraSettings = PiCameraSettings()

    @property
    def live(self) -> bool:
        """False for a recording: it has an end, and its frames have their own times."""
        return self.type not in ("video", "photos")

    @field_validator("source")
    @classmethod
    def _source_fits_type(cls, value: str, info: ValidationInfo) -> str:
        kind = info.data.get("type")
        if kind == "stream" and "://" not in value:
            raise ValueError("the stream's address, such as rtsp://192.0.2.10/main")
        if kind in ("video", "photos"):
            if not value:
                raise ValueError("the video file's path" if kind == "video" else "the path of a folder of photos")
            return str(from_folder(value, info))
        if kind == "pi" and value and not value.isdecimal():
            raise ValueError("the camera's number as rpicam-hello --list-cameras shows it, or nothing for the first")
        return value

    @field_validator("reopen_max_s")
    @classmethod
    def _longest_wait(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("reopen_min_s", value):
            raise ValueError("a number of seconds not below reopen_min_s")
        return value
