"""``edge-lpr run`` as a process: it reads a clip, publishes passages to a real broker, and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from edge_lpr.messages.schemas import load_schema
from tests.support.mqtt import Mosquitto, Subscriber, free_port

BASE = "edge-lpr/gate-1"
PLATE, HEALTH, AVAILABILITY = f"{BASE}/plate", f"{BASE}/health", f"{BASE}/availability"
CLIP_S = 120.0
ROOT = Path(__file__).resolve().parents[2]

StartGate = Callable[..., subprocess.Popen[str]]
Subscribe = Callable[..., Subscriber]


@pytest.fixture
def start_gate(tmp_path: Path, models_dir: Path) -> Iterator[StartGate]:
    """Returns a function that starts ``edge-lpr run`` with a broker's port. The process is killed after the test."""
    with ExitStack() as cleanup:

        def start(port: int, camera: dict[str, Any], **environ: str) -> subprocess.Popen[str]:
            config = tmp_path / "config.yaml"
            settings = {
                "device": {"state_dir": "state"},
                "camera": camera,
                "mqtt": {"port": port, "health_every_s": 1},
                "reader": {"models_dir": str(models_dir)},
            }
            config.write_text(yaml.safe_dump(settings))
            environment = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
            process = subprocess.Popen(
                [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(config)],
                env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            cleanup.enter_context(process)
            cleanup.callback(process.kill)
            return process

        yield start


def clip(shared_data: Path, name: str = "parked_car.mp4", **more: object) -> dict[str, Any]:
    return {"type": "video", "source": str(shared_data / "video" / name), **more}


def finish(process: subprocess.Popen[str], timeout_s: float = CLIP_S) -> tuple[int, str]:
    """Waits for the end. Returns the exit code and the log."""
    output, _ = process.communicate(timeout=timeout_s)
    return process.returncode, output


def test_a_parked_car_is_one_passage(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, shared_data: Path
) -> None:
    subscriber = subscribe(mosquitto.port)
    code, output = finish(start_gate(mosquitto.port, clip(shared_data)))
    assert code == 0, output
    subscriber.wait_payload(AVAILABILITY, b"offline")
    (message,) = subscriber.on(PLATE)
    Draft202012Validator(load_schema("plate")).validate(message.json)
    assert message.json["Response"]["Number"] == "粤LQ092V"
    assert message.json["Response"]["Color"] == "蓝"
    assert message.json["Event"]["Sequence"] == 1
    assert (message.qos, message.retain) == (1, False)
    healths = [health.json for health in subscriber.on(HEALTH)]
    for health in healths:
        Draft202012Validator(load_schema("health")).validate(health)
    assert healths[-1]["Camera"]["State"] == "ended"
    assert healths[-1]["Outbox"]["Waiting"] == 0


def test_plates_that_are_too_small_give_no_wrong_passage(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, shared_data: Path
) -> None:
    subscriber = subscribe(mosquitto.port)
    code, output = finish(start_gate(mosquitto.port, clip(shared_data, "night_road.mp4")))
    assert code == 0, output
    subscriber.wait_payload(AVAILABILITY, b"offline")
    labels = json.loads((shared_data / "video" / "video.json").read_text(encoding="utf-8"))["night_road.mp4"]
    true_numbers = {plate["number"] for plate in labels["plates"]}
    assert {message.json["Response"]["Number"] for message in subscriber.on(PLATE)} <= true_numbers


def test_a_passage_during_an_outage_of_the_broker_is_published_later(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, shared_data: Path
) -> None:
    mosquitto.stop()
    process = start_gate(mosquitto.port, clip(shared_data))
    for line in process.stdout or ():
        if "wait for the broker" in line:
            break
    mosquitto.start()
    subscriber = subscribe(mosquitto.port)
    code, output = finish(process)
    assert code == 0, output
    assert len(subscriber.wait_count(PLATE, 1)) == 1


def test_an_unpublished_passage_is_published_at_the_next_start(
    start_gate: StartGate, start_mosquitto: Callable[..., Mosquitto], subscribe: Subscribe, shared_data: Path
) -> None:
    process = start_gate(free_port(), clip(shared_data))
    for line in process.stdout or ():
        if "wait for the broker" in line:
            break
    process.send_signal(signal.SIGTERM)
    code, output = finish(process, 10)
    assert code == 0
    assert "1 passages wait in" in output
    broker = start_mosquitto()
    subscriber = subscribe(broker.port)
    second = start_gate(broker.port, clip(shared_data))
    messages = subscriber.wait_count(PLATE, 2)
    assert finish(second)[0] == 0
    assert [message.json["Event"]["Sequence"] for message in messages] == [1, 2]


def test_a_killed_service_is_reported_offline(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, shared_data: Path
) -> None:
    subscriber = subscribe(mosquitto.port)
    process = start_gate(mosquitto.port, clip(shared_data, loop=True))
    subscriber.wait_payload(AVAILABILITY, b"online")
    process.kill()
    subscriber.wait_payload(AVAILABILITY, b"offline")


def test_sigterm_ends_the_service_within_five_seconds(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, shared_data: Path
) -> None:
    subscriber = subscribe(mosquitto.port)
    process = start_gate(mosquitto.port, clip(shared_data, loop=True))
    subscriber.wait_count(HEALTH, 2)
    process.send_signal(signal.SIGTERM)
    code, output = finish(process, 5)  # a required limit, not a measured time
    assert code == 0, output
    subscriber.wait_payload(AVAILABILITY, b"offline")


def test_a_missing_camera_does_not_end_the_service(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, tmp_path: Path
) -> None:
    subscriber = subscribe(mosquitto.port)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        camera = {"type": "usb", "source": "/dev/video-none", "reopen_min_s": 0.1}
        process = start_gate(mosquitto.port, camera, NOTIFY_SOCKET=str(tmp_path / "notify"))
        messages: list[str] = []
        while messages.count("EXTEND_TIMEOUT_USEC=60000000") < 2:  # each loop iteration extends the start time
            messages.append(systemd.recv(200).decode())
        assert "READY=1" not in messages
        subscriber.wait(lambda all_: any(m.topic == HEALTH and m.json["Camera"]["State"] == "failed" for m in all_))
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert finish(process, 5)[0] == 0


def test_a_missing_recording_is_one_line_and_exit_code_1(
    start_gate: StartGate, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    code, output = finish(start_gate(mosquitto.port, {"type": "video", "source": str(tmp_path / "none.mp4")}))
    assert code == 1
    errors = [line for line in output.splitlines() if line.startswith("edge-lpr: ")]
    assert len(errors) == 1 and "none.mp4" in errors[0]
    assert "Traceback" not in output


def test_a_second_service_with_the_same_state_folder_ends_with_2(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, shared_data: Path
) -> None:
    subscriber = subscribe(mosquitto.port)
    start_gate(mosquitto.port, clip(shared_data, loop=True))
    subscriber.wait_payload(AVAILABILITY, b"online")
    code, output = finish(start_gate(mosquitto.port, clip(shared_data, loop=True)), 60)
    assert code == 2
    assert "in use by another edge-lpr" in output
