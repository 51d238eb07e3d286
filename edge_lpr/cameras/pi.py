"""The Raspberry Pi camera, read with picamera2.

picamera2 is imported when the camera is opened, so this module can be imported on machines without it. The API is
described in "The Picamera2 Library" (https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf).
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edge_lpr.cameras.base import live_frame
from edge_lpr.cameras.metering import LightMeter
from edge_lpr.cameras.pi_exposure import PiExposure, create_exposure
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame

Image = NDArray[np.uint8]

# picamera2 and the libcamera bindings raise these for a camera that is missing, in use or lost, and for a control that
# does not exist or has a value of the wrong type.
_CAMERA_EXCEPTIONS = (RuntimeError, OSError, LookupError, ValueError, TypeError)
# A sensor timestamp that is older than this comes from another clock.
_MAX_AGE_S = 10.0
# picamera2 names formats from the last byte to the first: this is B, G, R in memory.
_BGR = "RGB888"


class PiCamera:
    """A Raspberry Pi camera with a main stream for reading and a small lores stream, which ``read_with_lores`` gives.

    ``source`` is the camera's number in the output of `rpicam-hello --list-cameras`; empty means 0.
    """

    live = True

    def __init__(self, settings: CameraSettings, meter: LightMeter) -> None:
        self._settings = settings
        self._meter = meter
        self._exposure: PiExposure | None = None
        self._index = int(settings.source or 0)
        self._camera: Any = None
        self._lores_size = (0, 0)
        self._number = 0
        self.name = f"Pi camera {self._index}"

    def open(self) -> None:
        """Configures and starts both streams. Raises CameraError with the remedy."""
        self.close()
        picamera2, libcamera = _import("picamera2"), _import("libcamera")
        try:
            camera = picamera2.Picamera2(self._index)
        except _CAMERA_EXCEPTIONS as error:
            raise CameraError(
                f"{self.name} cannot be opened ({_root_cause(error)}); check its ribbon cable, that no other program "
                "holds it, and that `rpicam-hello --list-cameras` shows it"
            ) from error
        self._camera = camera
        try:
            camera.configure(self._configuration(camera, libcamera))
            granted = camera.camera_configuration()
            self._lores_size = granted["lores"]["size"]
            self._check_format(granted["main"]["format"])
            camera.start()
        except _CAMERA_EXCEPTIONS as error:
            raise CameraError(
                f"{self.name} refuses its settings ({_root_cause(error)}); check camera.width, camera.height and "
                "camera.pi"
            ) from error
        self._exposure = create_exposure(camera.camera_controls, self._settings.pi, self._meter, self.name)

    def read(self) -> Frame:
        """Returns the newest picture of the main stream. Raises CameraError."""
        with self._request() as request:
            return self._frame(request)

    def read_with_lores(self) -> tuple[Frame, Image]:
        """Returns the newest picture of the main stream, and the brightness of the lores picture of the same moment.

        The brightness is uint8 of shape (height, width). Raises CameraError.
        """
        with self._request() as request:
            luma = crop_luma(request.make_array("lores"), *self._lores_size)
            return self._frame(request), luma

    def close(self) -> None:
        """Stops and releases the camera. Raises CameraError."""
        camera, self._camera = self._camera, None
        if camera is None:
            return
        try:
            # A capture that timed out is still in picamera2's queue, and stop() would wait for it forever.
            camera.cancel_all_and_flush()
            camera.close()
        except _CAMERA_EXCEPTIONS as error:
            raise CameraError(f"{self.name} does not close cleanly ({_root_cause(error)})") from error

    def _check_format(self, granted: str) -> None:
        # libcamera may grant another format than the requested one, and picamera2 accepts that silently.
        if granted != _BGR:
            raise CameraError(
                f"{self.name} gives its pictures as {granted}, not as {_BGR}: it is no Raspberry Pi camera; connect "
                "one, or set camera.type: usb if it is a USB camera"
            )

    def _configuration(self, camera: Any, libcamera: Any) -> Any:
        settings, pi = self._settings, self._settings.pi
        controls = {name: _control(libcamera, name, value) for name, value in pi.controls.items()}
        if settings.fps is not None:
            controls.setdefault("FrameRate", settings.fps)
        upside_down = int(pi.rotation == 180)
        return camera.create_video_configuration(
            main={"size": (settings.width, settings.height), "format": _BGR},
            lores={"size": (pi.lores_width, pi.lores_height), "format": "YUV420"},
            transform=libcamera.Transform(hflip=upside_down, vflip=upside_down),
            controls=controls,
        )

    @contextmanager
    def _request(self) -> Iterator[Any]:
        """Yields one completed request and always releases it, because the camera has only a few buffers."""
        if self._camera is None:
            raise CameraError(f"{self.name} is not open")
        timeout_s = self._settings.read_timeout_s
        try:
            # A blocking capture has no timeout: it would hang forever when the sensor stops.
            request = self._camera.wait(self._camera.capture_request(wait=False), timeout=timeout_s)
            try:
                yield request
            finally:
                request.release()
        except TimeoutError as error:
            raise CameraError(f"{self.name} gave no picture for {timeout_s:g} s; check its ribbon cable") from error
        except _CAMERA_EXCEPTIONS as error:
            raise CameraError(f"{self.name} stopped ({_root_cause(error)}); check its ribbon cable") from error

    def _frame(self, request: Any) -> Frame:
        """Returns the frame of a request and sets the controls of the exposure control."""
        image: Image = request.make_array("main")
        metadata = request.get_metadata()
        frame = live_frame(image, self._number, self.name, _age_s(metadata))
        self._number += 1
        if self._exposure is not None:
            controls = self._exposure.add_frame(frame, metadata)
            if controls is not None:
                self._camera.set_controls(controls)
        return frame


def crop_luma(yuv420: Image, width: int, height: int) -> Image:
    """Returns the brightness plane of a YUV420 buffer, uint8 of shape (height, width), contiguous.

    ``yuv420`` is uint8 of shape (height * 3 / 2, stride). Before the Pi 5 the hardware pads the rows, so the stride
    may be larger than the width.
    """
    return np.ascontiguousarray(yuv420[:height, :width])


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CameraError(
            f"the Pi camera needs {name}, which this Python lacks ({error}): `sudo apt install python3-picamera2`, and "
            "make the virtual environment with `python3 -m venv --system-site-packages`"
        ) from error


def _control(libcamera: Any, name: str, value: object) -> object:
    """Returns ``value`` in the form of libcamera. A text is the name of an enum member, as in ``AfMode: Manual``.

    Raises ValueError if the control has no such member.
    """
    if not isinstance(value, str):
        return value
    for controls in (libcamera.controls, libcamera.controls.draft):
        choices = getattr(controls, f"{name}Enum", None)
        if choices is not None:
            members = cast(Mapping[str, object], choices.__members__)
            if value not in members:
                raise ValueError(f"camera.pi.controls.{name} may be {', '.join(members)}, not {value}")
            return members[value]
    raise ValueError(f"camera.pi.controls.{name} takes no name such as {value}, or libcamera does not know it")


def _age_s(metadata: Mapping[str, Any]) -> float:
    """Returns the seconds since the sensor began the picture; 0.0 if the metadata lacks it.

    ``SensorTimestamp`` is in nanoseconds of CLOCK_BOOTTIME (https://libcamera.org/api-html/namespacelibcamera_1_1controls.html).
    """
    stamp = metadata.get("SensorTimestamp")
    if stamp is None:
        return 0.0
    age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - stamp / 1e9
    return age_s if 0.0 <= age_s <= _MAX_AGE_S else 0.0


def _root_cause(error: BaseException) -> str:
    """Returns the message of the first cause. picamera2 wraps the messages of libcamera in less specific errors."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or type(error).__name__
