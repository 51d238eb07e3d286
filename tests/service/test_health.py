"""The health message follows its schema and is sent when it is due."""

from __future__ import annotations

import platform
import time
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_lpr import __version__
from edge_lpr.cameras import CameraState, CameraStatus
from edge_lpr.host.board import Throttling
from edge_lpr.messages.health import HealthMessage, Versions
from edge_lpr.messages.schemas import load_schema
from edge_lpr.mqtt.connection import ConnectionStatus
from edge_lpr.mqtt.outbox import OutboxStatus
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.gate_state import GateState
from edge_lpr.service.health import HealthMonitor, status_line
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.service.throughput import Throughput
from edge_lpr.tracking.tracker import TrackerCounts

VERSIONS = Versions(
    edge_lpr=__version__,
    detector="1.0.0",
    recognizer="1.1.0",
    models="shipped",
    runtime="ai_edge_litert",
    python=platform.python_version(),
)

NORMAL = ReadingStatus("normal", 90, 7, 0)


def camera(state: CameraState = "running") -> CameraStatus:
    return CameraStatus("USB camera /dev/video0", state, None, 100, 3, 0, 0.04, size=(1280, 720))


def publisher() -> PublisherStatus:
    outbox = OutboxStatus(2, 1800, 0, 3, 17, False, "/state: disk full", Path("/state/outbox.db.corrupt"))
    return PublisherStatus(ConnectionStatus("lost", "connection closed"), outbox, None)


@pytest.fixture
def sent() -> list[HealthMessage]:
    return []


@pytest.fixture
def monitor(sent: list[HealthMessage]) -> HealthMonitor:
    return HealthMonitor("gate-1", VERSIONS, every_s=3600, send=sent.append)


def publish(
    monitor: HealthMonitor,
    status: CameraStatus | None = None,
    reading: ReadingStatus = NORMAL,
    *,
    now: bool = False,
) -> HealthMessage | None:
    throughput = Throughput(12.5, 40.0, 61.0)
    counts = TrackerCounts(5, 1, 0, 0)
    state = GateState(time.monotonic(), status or camera(), publisher(), throughput, counts, reading)
    return monitor.publish_health(state, now=now)


def test_the_message_follows_its_schema(monitor: HealthMonitor, sent: list[HealthMessage]) -> None:
    schema = load_schema("health")
    Draft202012Validator.check_schema(schema)
    health = publish(monitor)
    assert health is not None
    Draft202012Validator(schema).validate(sent[0].to_json())
    assert sent[0].to_json()["Outbox"] == {
        "Waiting": 2, "Bytes": 1800, "Dropped": 0, "Expired": 3, "Damaged": 0, "Durable": False,
        "Fault": "/state: disk full",
    }  # fmt: skip
    assert status_line(health) == "camera running, normal, 12.5 frames/s; broker lost; 5 passages, 2 waiting"


def test_the_throttling_flags_of_the_board_follow_the_schema(
    monitor: HealthMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_lpr.service.health.temperature_celsius", lambda: 81.2)
    monkeypatch.setattr(
        "edge_lpr.service.health.throttling", lambda: Throttling(True, False, True, False, occurred=True)
    )
    health = publish(monitor)
    assert health is not None
    Draft202012Validator(load_schema("health")).validate(health.to_json())
    assert health.to_json()["Throttling"] == {
        "UnderVoltage": True, "FrequencyCapped": False, "Throttled": True, "SoftTemperatureLimit": False,
        "Occurred": True,
    }  # fmt: skip


def test_a_camera_with_bad_pictures_is_reported_at_once(monitor: HealthMonitor, sent: list[HealthMessage]) -> None:
    assert publish(monitor)
    frozen = replace(camera(), fault="frozen")
    health = publish(monitor, frozen, ReadingStatus("hot", 90, 7, 3))
    assert health is not None
    assert status_line(health).startswith("camera running (frozen), hot, 12.5 frames/s")
    Draft202012Validator(load_schema("health")).validate(sent[-1].to_json())
    assert sent[-1].camera.fault == "frozen"
    assert sent[-1].to_json()["Reading"] == {"State": "hot", "FramesRead": 90, "FramesIdle": 7, "FramesRested": 3}


def test_it_is_sent_when_due_when_the_camera_changes_and_on_demand(
    monitor: HealthMonitor, sent: list[HealthMessage]
) -> None:
    assert publish(monitor)
    assert publish(monitor) is None
    assert publish(monitor, camera("failed"))
    assert publish(monitor, camera("failed")) is None
    assert publish(monitor, camera("failed"), now=True)
    assert [message.camera.state for message in sent] == ["running", "failed", "failed"]
