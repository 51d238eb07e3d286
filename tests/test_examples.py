"""The programs in examples/ run as their docstrings say."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_lpr.config import DeviceSettings, MqttSettings, Settings
from edge_lpr.images import load_image
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.vision.reader import PlateReader
from tests.support.api import SECRET_ID, SECRET_KEY, StartApi, requests_answered
from tests.support.mqtt import DEADLINE_S, Mosquitto
from tests.support.samples import PASSAGE

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs an example from the root of the checkout."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES.parent)}
    return subprocess.run(
        command, cwd=EXAMPLES.parent, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_each_example_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    untested = [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in source]
    assert not untested


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_says_how_to_run_it(path: Path) -> None:
    assert f"python examples/{path.name}" in path.read_text(encoding="utf-8")


def test_read_photo_prints_the_plate(plate_photo: bytes, reader: PlateReader, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(plate_photo)
    done = run_example("read_photo.py", str(photo))
    assert done.returncode == 0, done.stderr
    assert reader.read(load_image(plate_photo))[0].number in done.stdout


def test_subscribe_prints_a_passage_once(mosquitto: Mosquitto, make_publisher: Callable[..., PassagePublisher]) -> None:
    command = [sys.executable, str(EXAMPLES / "subscribe.py"), "127.0.0.1", str(mosquitto.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            publisher = make_publisher(mosquitto.port)
            assert publisher.connection.wait_for("connected", DEADLINE_S)
            assert process.stdout is not None
            # Its SUBSCRIBE may still be on its way, and what came before is not for it.
            while "Received SUBSCRIBE from parking" not in mosquitto.log:
                assert process.poll() is None
                publisher.wait_until_empty(0.05)
            publisher.publish_passage(PASSAGE)
            assert process.stdout.readline().split() == ["gate-1", "京AF0236", "99", "open"]
        finally:
            process.kill()


def test_request_over_mqtt_prints_the_number(
    mosquitto: Mosquitto, reader: PlateReader, plate_photo: bytes, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(plate_photo)
    device = DeviceSettings(id="gate-1", state_dir=tmp_path / "state")
    settings = Settings(mqtt=MqttSettings(port=mosquitto.port), device=device)
    with requests_answered(settings, reader.read) as connection:
        while "edge-lpr/gate-1/request/license-plate-ocr" not in mosquitto.log:
            connection.wait_for("stopped", 0.05)
        done = run_example("request_over_mqtt.py", "127.0.0.1", str(mosquitto.port), "gate-1", str(photo))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == reader.read(load_image(plate_photo))[0].number


def test_the_official_sdk_prints_the_number(
    start_api: StartApi, reader: PlateReader, plate_photo: bytes, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(plate_photo)
    done = run_example("official_sdk.py", start_api().endpoint, SECRET_ID, SECRET_KEY, str(photo))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == reader.read(load_image(plate_photo))[0].number
