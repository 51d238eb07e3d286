"""Settings of the section ``camera``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, field_validator

from edge_lpr.config.types import Section, from_folder, number_as_text

Control = bool | int | float | str | Annotated[tuple[int | float, ...], Strict(False)]


class PiCameraSettings(Section):
    """What only a camera on the Raspberry Pi's ribbon cable has. Sizes in pixels, rotation in degrees.

    ``max_exposure_ms`` in milliseconds; None leaves the exposure to the camera.
    """

    lores_width: int = Field(default=640, ge=64, le=4096, multiple_of=2)
    lores_height: int = Field(default=360, ge=64, le=4096, multiple_of=2)
    rotation: Literal[0, 180] = 0
    max_exposure_ms: float | None = Field(default=4.0, ge=0.05, le=1000)
    max_gain: float = Field(default=16.0, ge=1, le=64)
    controls: dict[str, Control] = Field(default={})


class CameraSettings(Section):
    """Where frames come from. Sizes in pixels, ``fps`` in frames a second, ``*_s`` in seconds."""

    type: Literal["pi", "usb", "stream", "video", "photos"] = "pi"
    source: Annotated[str, BeforeValidator(number_as_text)] = Field(default="", validate_default=True)
    loop: bool = False
    fps: float | None = Field(default=None, gt=0, le=240)
    width: int = Field(default=1280, ge=160, le=8192, multiple_of=2)
    height: int = Field(default=720, ge=120, le=8192, multiple_of=2)
    hold: int = Field(default=5, ge=1, le=1000)
    read_timeout_s: float = Field(default=5.0, gt=0, le=300)
    reopen_min_s: float = Field(default=1.0, gt=0, le=3600)
    reopen_max_s: float = Field(default=30.0, gt=0, le=3600, validate_default=True)
    fault_after_s: float = Field(default=20.0, gt=0, le=3600)
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    pi: PiCameraSettings = PiCameraSettings()

    @property
    def live(self) -> bool:
        """False for a recording, which has an end and a time of its own."""
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
