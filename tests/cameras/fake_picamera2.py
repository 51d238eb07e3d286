"""A fake of picamera2 0.3, because the real one needs a Raspberry Pi.

The fake imitates the behaviour that causes faults:

* A request that is not released reduces the number of buffers.
* A capture that timed out stays in the queue. Unless the queue is flushed, ``close`` waits for it forever.
* Rows of the lores stream are padded.
* Faults are wrapped in RuntimeErrors.
* ``configure`` and ``set_controls`` reject a control that the camera lacks.
* A control appears in the metadata some frames later, rounded.
"""

from __future__ import annotations

import enum
from collections import deque
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLUE = (250, 20, 10)
"""In the order of the bytes in memory: B, G, R."""
DELAY = 6
"""Frames until a control takes effect, because of the sensor and the queue of requests."""
ROW_US = 29
CONTROLS = {
    "AeEnable": (False, True, True),
    "ExposureTime": (29, 66_666, 20_000),
    "AnalogueGain": (1.0, 10.625, 1.0),
    "FrameDurationLimits": (16_666, 120_000, 33_333),
    "AfMode": (0, 1, 0),
    "LensPosition": (0.0, 32.0, 1.0),
    "ColourGains": (0.0, 32.0, None),
}
"""Minimum, maximum and default, in the form of ``Picamera2.camera_controls``."""


class AfModeEnum(enum.IntEnum):
    Manual = 0
    Auto = 1


class Transform:
    def __init__(self, hflip: int = 0, vflip: int = 0) -> None:
        self.hflip, self.vflip = hflip, vflip


class Sensor:
    """State of the fake that a test reads and changes.

    Attributes:
        light: Light of the scene; None for a camera whose pictures and metadata do not depend on the exposure.
        controls: Controls that were set while the camera was running.
    """

    buffers = 4

    def __init__(self) -> None:
        self.present = True
        self.only_format: str | None = None
        self.silent_after: int | None = None
        self.fault: Exception | None = None
        self.array_fault: Exception | None = None
        self.metadata: dict[str, Any] = {}
        self.light: float | None = None
        self.camera_controls = CONTROLS
        self.controls: list[dict[str, Any]] = []
        self.configuration: dict[str, Any] = {}
        self.opened = 0
        self.closed = 0
        self.captured = 0


class Request:
    """One completed request."""

    def __init__(self, owner: Picamera2, sensor: Sensor) -> None:
        self._owner = owner
        self._sensor = sensor
        self._exposure = owner.exposures.popleft()
        owner.exposures.append(owner.exposures[-1])

    def make_array(self, name: str) -> NDArray[np.uint8]:
        sensor = self._sensor
        if sensor.array_fault is not None:
            raise sensor.array_fault
        width, height = sensor.configuration[name]["size"]
        if name == "main":
            assert sensor.configuration[name]["format"] == "RGB888"
            if sensor.light is not None:
                value = 255 * min(1.0, sensor.light * self._exposure[0] * self._exposure[1]) ** (1 / 2.2)
                return np.full((height, width, 3), round(value), np.uint8)
            return np.tile(np.array(BLUE, np.uint8), (height, width, 1))
        assert sensor.configuration[name]["format"] == "YUV420"
        stride = -(-width // 64) * 64
        buffer = np.full((height * 3 // 2, stride), 255, np.uint8)
        buffer[:height, :width] = np.arange(height, dtype=np.uint8)[:, None]
        return buffer

    def get_metadata(self) -> dict[str, Any]:
        if self._sensor.light is None:
            return self._sensor.metadata
        time_us, gain = self._exposure
        return {"ExposureTime": time_us, "AnalogueGain": gain, "DigitalGain": 1.0, **self._sensor.metadata}

    def release(self) -> None:
        self._owner.free += 1


class Picamera2:
    """The class Picamera2. The test binds ``sensor``, the product passes the other argument."""

    def __init__(self, sensor: Sensor, camera_num: int = 0) -> None:
        if not sensor.present or camera_num > 0:
            try:
                raise RuntimeError("Failed to acquire camera: Device or resource busy")
            except RuntimeError as error:
                raise RuntimeError("Camera __init__ sequence did not complete.") from error
        sensor.opened += 1
        self.free = sensor.buffers
        self.started = False
        self.jobs: list[Future[Request]] = []
        self.exposures = deque([(20_000, 1.0)] * DELAY)
        self._sensor = sensor

    @property
    def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
        return self._sensor.camera_controls

    def set_controls(self, controls: dict[str, Any]) -> None:
        assert self.started
        for name in controls:
            if name not in self._sensor.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self._sensor.controls.append(controls)
        # A time or a gain other than 0 is kept and switches the automatic exposure off.
        time_us, gain = self.exposures[-1]
        time_us, gain = controls.get("ExposureTime", time_us), controls.get("AnalogueGain", gain)
        self.exposures[-1] = (max(1, round(time_us / ROW_US)) * ROW_US, round(gain * 8) / 8)

    def create_video_configuration(
        self, main: dict[str, Any], lores: dict[str, Any], transform: Transform, controls: dict[str, Any]
    ) -> dict[str, Any]:
        lores = lores | {"size": (lores["size"][0] // 2 * 2, lores["size"][1] // 2 * 2)}
        return {"main": dict(main), "lores": lores, "transform": transform, "controls": dict(controls)}

    def configure(self, camera_config: dict[str, Any]) -> None:
        for name in camera_config["controls"]:
            if name != "FrameRate" and name not in self._sensor.camera_controls:
                raise RuntimeError(f"Control {name} is not advertised by libcamera")
        self._sensor.configuration = camera_config
        if self._sensor.only_format is not None:
            camera_config["main"]["format"] = self._sensor.only_format

    def camera_configuration(self) -> dict[str, Any]:
        return self._sensor.configuration

    def start(self) -> None:
        self.started = True

    def capture_request(self, wait: bool) -> Future[Request]:
        sensor = self._sensor
        assert wait is False and self.started
        if sensor.fault is not None:
            raise sensor.fault
        job: Future[Request] = Future()
        silent = sensor.silent_after is not None and sensor.captured >= sensor.silent_after
        if silent or self.free == 0:
            self.jobs.append(job)
            return job
        sensor.captured += 1
        self.free -= 1
        job.set_result(Request(self, sensor))
        return job

    def wait(self, job: Future[Request], timeout: float | None = None) -> Request:
        return job.result(timeout=timeout)

    def cancel_all_and_flush(self) -> None:
        self.jobs.clear()

    def close(self) -> None:
        assert not self.jobs, "the real close() would hang here forever"
        self._sensor.closed += 1
