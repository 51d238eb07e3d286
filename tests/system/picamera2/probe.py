"""Tests the adapter of the Pi camera with the real picamera2 and libcamera, on libcamera's virtual camera.

Runs in the guest. Prints one line for each step; exit code 0 if each has the expected result. First the adapter runs
unchanged, until a feature of a Raspberry Pi's camera is missing; then again with a replacement for that feature.
"""

from __future__ import annotations

import mmap
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest.mock import MagicMock

sys.path.insert(0, "/opt/picamera2")
# picamera2 imports these, but a camera without display and raw pictures does not use them.
for name in ("pykms", "pidng", "pidng.camdefs", "pidng.core"):
    sys.modules[name] = MagicMock()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import picamera2  # noqa: E402
from picamera2.allocators import LibcameraAllocator  # noqa: E402

from edge_lpr.cameras.metering import LightMeter  # noqa: E402
from edge_lpr.cameras.pi import PiCamera  # noqa: E402
from edge_lpr.config import CameraSettings, PiCameraSettings  # noqa: E402
from edge_lpr.errors import CameraError  # noqa: E402

FRAMES = 20
"""More frames than the camera has buffers, so that a buffer that is not returned stops it."""

SETTINGS = CameraSettings(
    type="pi", width=1280, height=720, read_timeout_s=60, pi=PiCameraSettings(lores_width=640, lores_height=360)
)
picamera2.picamera2.DmaAllocator = MagicMock  # close() makes a new one
Real: Any = picamera2.Picamera2
Request: Any = picamera2.CompletedRequest
real_make_array: Callable[[Any, str], Any] = Request.make_array


class Mapping:
    """The memory of a picture. picamera2 uses the size that the camera reports; the virtual camera reports 0."""

    def __init__(self, _allocator: object, buffer: Any, _write: bool) -> None:
        self._planes = buffer.planes

    def __enter__(self) -> mmap.mmap:
        self._memory = mmap.mmap(self._planes[0].fd, sum(plane.length for plane in self._planes))
        return self._memory

    def __exit__(self, *_: object) -> None:
        self._memory.close()


class WithRawModes(Real):  # type: ignore[misc]
    """Adds raw modes and memory.

    The constructor reads the raw modes, which the virtual camera does not have. The machine also lacks the memory heaps
    of a Pi that picamera2 uses; libcamera's allocator uses udmabuf instead.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, allocator=MagicMock())
        self.allocator = LibcameraAllocator(self.camera)
        self.allocator.sync = Mapping

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        return [{"format": "SRGGB8", "size": (SETTINGS.width, SETTINGS.height)}]


class WithBgr(WithRawModes):
    """Adds BGR. The virtual camera has only NV12; on a Pi the image processor converts it."""

    def camera_configuration(self) -> Any:
        granted = super().camera_configuration()
        return granted | {"main": granted["main"] | {"format": "RGB888"}}


def make_array(request: Any, stream: str) -> Any:
    array = real_make_array(request, stream)
    is_nv12 = request.config[stream]["format"] == "NV12"
    return cv2.cvtColor(array, cv2.COLOR_YUV2BGR_NV12) if is_nv12 and stream == "main" else array


def refused(camera: PiCamera) -> str:
    try:
        camera.open()
    except CameraError as error:
        return str(error)
    finally:
        camera.close()
    return "it opened"


def main() -> int:
    wrong = 0

    def step(what: str, seen: object, holds: bool) -> None:
        nonlocal wrong
        wrong += not holds
        print(f"{'as expected' if holds else 'NOT AS EXPECTED'}: {what}: {seen}", flush=True)

    cameras = Real.global_camera_info()
    step("cameras that picamera2 lists", [each["Model"] for each in cameras], len(cameras) > 0)

    seen = refused(PiCamera(SETTINGS, LightMeter()))
    step("alone, the adapter stops in picamera2's constructor", seen, "cannot be opened ('NoneType'" in seen)

    picamera2.Picamera2 = WithRawModes
    seen = refused(PiCamera(SETTINGS, LightMeter()))
    step("with raw modes and memory, it stops at the format", seen, "NV12" in seen)

    picamera2.Picamera2, Request.make_array = WithBgr, make_array
    camera = PiCamera(SETTINGS, LightMeter())
    for opening in ("first", "second"):
        camera.open()
        taken = [camera.read_with_lores() for _ in range(FRAMES)]
        frames, lores = zip(*taken, strict=True)
        shapes = f"{frames[0].image.shape}, lores {lores[0].shape}"
        step(f"{opening} opening, {FRAMES} frames", shapes, shapes == "(720, 1280, 3), lores (360, 640)")
        colours = len(np.unique(frames[-1].image[360, 80::160], axis=0))
        step("colours across the test pattern of 8 bars", colours, colours >= 7)
        times = [frame.monotonic_s for frame in frames]
        step("frames are in order of time", f"{times[-1] - times[0]:.1f} s", sorted(times) == times)
        age_s = time.monotonic() - times[-1]
        step("age of the last frame by the sensor's clock", f"{age_s:.2f} s", 0 <= age_s < 30)
        camera.close()
    numbers = frames[-1].number
    step("frames are numbered on over the reopening", numbers, numbers == 2 * FRAMES - 1)
    return 1 if wrong else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.exit(code)
