"""The Pi camera, tested with a fake of picamera2."""

from __future__ import annotations

import itertools
import logging
import sys
import time
from collections.abc import Iterator
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge_lpr.cameras import create_camera, create_source
from edge_lpr.cameras.pi import PiCamera
from edge_lpr.config import CameraSettings, PiCameraSettings
from edge_lpr.errors import CameraError
from tests.cameras.fake_picamera2 import BLUE, CONTROLS, AfModeEnum, Picamera2, Sensor, Transform
from tests.support.clocks import clock

WAIT_S = 20.0


@pytest.fixture
def sensor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sensor]:
    sensor = Sensor()
    picamera2, libcamera = ModuleType("picamera2"), ModuleType("libcamera")
    vars(picamera2)["Picamera2"] = partial(Picamera2, sensor)
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
