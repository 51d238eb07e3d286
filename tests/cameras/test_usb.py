"""Errors of the USB camera. The tests need no camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_lpr.cameras import create_camera
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("", "/dev/video0"),
        ("7", "/dev/video7"),
        ("/dev/v4l/by-id/usb-Some_Camera-index0", "/dev/v4l/by-id/usb-Some_Camera-index0"),
    ],
)
def test_source_is_a_number_or_a_path(source: str, name: str) -> None:
    camera = create_camera(CameraSettings(type="usb", source=source))
    assert camera.name == f"USB camera {name}"
    assert camera.live


def test_absent_device() -> None:
    with pytest.raises(CameraError, match="/dev/video99 is not there; plug it in"):
        create_camera(CameraSettings(type="usb", source="99")).open()


def test_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "video0"
    path.write_bytes(b"")
    with pytest.raises(CameraError, match="is no device"):
        create_camera(CameraSettings(type="usb", source=str(path))).open()


def test_device_that_is_no_camera(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraError, match="/dev/null cannot be opened: it is no capture device"):
        create_camera(CameraSettings(type="usb", source="/dev/null")).open()
    assert capfd.readouterr().err == ""
