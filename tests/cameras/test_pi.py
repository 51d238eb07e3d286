"""The Pi camera, tested with a fake of picamera2 0.3, because the real one needs a Raspberry Pi.

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
import itertools
import logging
import sys
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_lpr.cameras import create_camera, create_source
from edge_lpr.cameras.pi import PiCamera
from edge_lpr.config import CameraSettings, PiCameraSettings
from edge_lpr.errors import CameraError
from tests.support.clocks import clock

WAIT_S = 20.0
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
    """State of the fake that a test reads and changes."""

    buffers = 4

    def __init__(self) -> None:
        self.present = True
        self.only_format: str | None = None
        self.silent_after: int | None = None
        self.fault: Exception | None = None
        self.array_fault: Exception | None = None
        self.metadata: dict[str, Any] = {}
        self.light: float | None = None
        """Light of the scene; None for a camera whose pictures and metadata do not depend on the exposure."""
        self.camera_controls = CONTROLS
        self.controls: list[dict[str, Any]] = []
        """Controls that were set while the camera was running."""
        self.configuration: dict[str, Any] = {}
        self.opened = 0
        self.closed = 0
        self.captured = 0


def make_picamera2(sensor: Sensor) -> type:
    """Returns a class Picamera2 that uses ``sensor``."""

    class Request:
        def __init__(self, owner: Picamera2) -> None:
            self._owner = owner
            self._exposure = owner.exposures.popleft()
            owner.exposures.append(owner.exposures[-1])

        def make_array(self, name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
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
            if sensor.light is None:
                return sensor.metadata
            time_us, gain = self._exposure
            return {"ExposureTime": time_us, "AnalogueGain": gain, "DigitalGain": 1.0, **sensor.metadata}

        def release(self) -> None:
            self._owner.free += 1

    class Picamera2:
        def __init__(self, camera_num: int = 0) -> None:
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

        @property
        def camera_controls(self) -> dict[str, tuple[Any, Any, Any]]:
            return sensor.camera_controls

        def set_controls(self, controls: dict[str, Any]) -> None:
            assert self.started
            for name in controls:
                if name not in sensor.camera_controls:
                    raise RuntimeError(f"Control {name} is not advertised by libcamera")
            sensor.controls.append(controls)
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
                if name != "FrameRate" and name not in sensor.camera_controls:
                    raise RuntimeError(f"Control {name} is not advertised by libcamera")
            sensor.configuration = camera_config
            if sensor.only_format is not None:
                camera_config["main"]["format"] = sensor.only_format

        def camera_configuration(self) -> dict[str, Any]:
            return sensor.configuration

        def start(self) -> None:
            self.started = True

        def capture_request(self, wait: bool) -> Future[Request]:
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
            job.set_result(Request(self))
            return job

        def wait(self, job: Future[Request], timeout: float | None = None) -> Request:
            return job.result(timeout=timeout)

        def cancel_all_and_flush(self) -> None:
            self.jobs.clear()

        def close(self) -> None:
            assert not self.jobs, "the real close() would hang here forever"
            sensor.closed += 1

    return Picamera2


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sensor]:
    sensor = Sensor()
    picamera2, libcamera = ModuleType("picamera2"), ModuleType("libcamera")
    vars(picamera2)["Picamera2"] = make_picamera2(sensor)
    vars(libcamera)["Transform"] = Transform
    vars(libcamera)["controls"] = SimpleNamespace(AfModeEnum=AfModeEnum, draft=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "picamera2", picamera2)
    monkeypatch.setitem(sys.modules, "libcamera", libcamera)
    yield sensor
    assert sensor.opened == sensor.closed


def settings(*, read_timeout_s: float = 5.0, source: str = "", fps: float | None = None, **pi: Any) -> CameraSettings:
    return CameraSettings(
        type="pi",
        source=source,
        width=320,
        height=240,
        fps=fps,
        read_timeout_s=read_timeout_s,
        reopen_min_s=0.01,
        reopen_max_s=0.02,
        pi=PiCameraSettings(**{"lores_width": 100, "lores_height": 64} | pi),
    )


def pi_camera(camera_settings: CameraSettings) -> PiCamera:
    camera = create_camera(camera_settings)
    assert isinstance(camera, PiCamera)
    return camera


def test_frames_are_bgr_numbered_and_never_run_out_of_buffers(sensor: Sensor) -> None:
    camera = pi_camera(settings())
    camera.open()
    frames = [camera.read() for _ in range(3 * sensor.buffers)]
    camera.close()
    assert [frame.number for frame in frames] == list(range(3 * sensor.buffers))
    assert frames[0].image.shape == (240, 320, 3)
    assert tuple(frames[0].image[0, 0]) == BLUE
    assert frames[0].source == "Pi camera 0"
    assert not frames[0].image.flags.writeable


def test_lores_brightness_has_no_padding(sensor: Sensor) -> None:
    camera = pi_camera(settings())
    camera.open()
    frame, luma = camera.read_with_lores()
    camera.close()
    assert frame.image.shape == (240, 320, 3)
    assert luma.shape == (64, 100)
    assert luma.flags.c_contiguous
    assert np.array_equal(luma[:, 99], np.arange(64))


def test_time_comes_from_the_sensor_if_it_gives_one(sensor: Sensor) -> None:
    camera = pi_camera(settings())
    camera.open()
    sensor.metadata = {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 3_000_000_000}
    earlier = camera.read()
    sensor.metadata = {"SensorTimestamp": 1}
    on_another_clock = camera.read()
    sensor.metadata = {}
    without_timestamp = camera.read()
    camera.close()
    assert without_timestamp.monotonic_s - earlier.monotonic_s >= 3.0
    assert (without_timestamp.captured_at - earlier.captured_at).total_seconds() > 2.0
    assert on_another_clock.monotonic_s > earlier.monotonic_s + 2.0


def test_settings_reach_the_camera(sensor: Sensor) -> None:
    controls = {"ExposureTime": 4000, "AfMode": "Manual", "ColourGains": (1.5, 2.0)}
    camera = pi_camera(settings(fps=15.0, rotation=180, controls=controls))
    camera.open()
    camera.close()
    given = sensor.configuration
    assert given["main"] == {"size": (320, 240), "format": "RGB888"}
    assert given["lores"] == {"size": (100, 64), "format": "YUV420"}
    assert (given["transform"].hflip, given["transform"].vflip) == (1, 1)
    assert given["controls"] == {
        "ExposureTime": 4000, "AfMode": AfModeEnum.Manual, "ColourGains": (1.5, 2.0), "FrameRate": 15.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        ({"AfMode": "Sometimes"}, r"camera\.pi\.controls\.AfMode may be Manual, Auto, not Sometimes"),
        ({"Exposure": "long"}, r"camera\.pi\.controls\.Exposure takes no name such as long"),
        ({"Exposure": 1}, "Control Exposure is not advertised by libcamera"),
    ],
)
def test_wrong_control(sensor: Sensor, controls: dict[str, Any], message: str) -> None:
    camera = pi_camera(settings(controls=controls))
    with pytest.raises(CameraError, match=message):
        camera.open()
    camera.close()


def test_absent_camera_reports_the_first_cause(sensor: Sensor) -> None:
    camera = pi_camera(settings(source="1"))
    with pytest.raises(CameraError, match=r"Pi camera 1 cannot be opened \(Failed to acquire camera: Device or"):
        camera.open()
    camera.close()


def test_a_camera_without_bgr_is_rejected(sensor: Sensor) -> None:
    sensor.only_format = "NV12"
    camera = pi_camera(settings())
    with pytest.raises(CameraError, match=r"as NV12, not as RGB888: it is no Raspberry Pi camera"):
        camera.open()
    camera.close()


def test_missing_picamera2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(CameraError, match=r"sudo apt install python3-picamera2.*--system-site-packages"):
        pi_camera(settings()).open()


def test_silent_sensor_raises_after_the_timeout_and_closes(sensor: Sensor) -> None:
    sensor.silent_after = 1
    camera = pi_camera(settings(read_timeout_s=0.05))
    camera.open()
    camera.read()
    with pytest.raises(CameraError, match=r"gave no picture for 0\.05 s"):
        camera.read()
    camera.close()


def test_faults_while_reading_release_the_buffer(sensor: Sensor) -> None:
    camera = pi_camera(settings(read_timeout_s=0.5))
    camera.open()
    sensor.array_fault = RuntimeError("failed to find buffer")
    for _ in range(2 * sensor.buffers):
        with pytest.raises(CameraError, match="failed to find buffer"):
            camera.read()
    sensor.array_fault = None
    camera.read()
    sensor.fault = RuntimeError("camera frontend has timed out")
    with pytest.raises(CameraError, match="camera frontend has timed out"):
        camera.read()
    camera.close()


def test_reading_a_closed_camera(sensor: Sensor) -> None:
    with pytest.raises(CameraError, match="is not open"):
        pi_camera(settings()).read()


def test_source_reopens_a_camera_that_became_silent(sensor: Sensor) -> None:
    sensor.silent_after = 5
    with create_source(settings(read_timeout_s=0.05)) as source:
        numbers = set()
        while sensor.opened < 2:
            frame = source.next_frame(0.05)
            numbers |= {frame.number} if frame else set()
        sensor.silent_after = None
        while source.status.reopened < 1:
            source.next_frame(0.05)
        status = source.status
        assert status.state == "running"
        assert "gave no picture" in str(status.last_error)
        frame = source.next_frame(WAIT_S)
        assert frame is not None and frame.number not in numbers


def clock_of(monkeypatch: pytest.MonkeyPatch, fps: float = 10.0) -> None:
    """Replaces the clock of the frames: they are 1 / ``fps`` seconds apart."""
    seconds = itertools.count()
    monkeypatch.setattr("edge_lpr.cameras.base.time", clock(lambda: next(seconds) / fps))


def brightness_and_controls(sensor: Sensor, camera_settings: CameraSettings, frames: int) -> tuple[int, dict[str, Any]]:
    """Returns the brightness of the last frame, and the controls that were set last."""
    camera = pi_camera(camera_settings)
    camera.open()
    image = [camera.read() for _ in range(frames)][-1].image
    camera.close()
    return int(image[0, 0, 0]), sensor.controls[-1] if sensor.controls else {}


def test_the_exposure_follows_the_light_up_to_its_limits(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    clock_of(monkeypatch)
    sensor.light = 1e-3
    brightness, controls = brightness_and_controls(sensor, settings(), 100)
    assert 85 <= brightness <= 130
    assert set(controls) == {"AeEnable", "ExposureTime", "AnalogueGain"}
    assert controls["AeEnable"] is False and controls["AnalogueGain"] == 1.0
    assert 100 < controls["ExposureTime"] < 200 and isinstance(controls["ExposureTime"], int)
    sensor.light = 1e-7
    brightness, controls = brightness_and_controls(sensor, settings(), 100)
    assert controls["ExposureTime"] == 4000
    assert controls["AnalogueGain"] > 10, "the maximum of the sensor"
    assert all(each["ExposureTime"] <= 4000 for each in sensor.controls)


def test_the_automatic_exposure_stays_on_if_the_settings_say_so(
    sensor: Sensor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock_of(monkeypatch)
    sensor.light = 1e-3
    for own in (settings(max_exposure_ms=None), settings(controls={"ExposureTime": 2000})):
        assert brightness_and_controls(sensor, own, 30)[1] == {}
    sensor.camera_controls = {"FrameDurationLimits": CONTROLS["FrameDurationLimits"]}
    with caplog.at_level(logging.WARNING):
        assert brightness_and_controls(sensor, settings(), 30)[1] == {}
    assert "Pi camera 0 has no exposure controls" in caplog.text
