"""The example of docs/mosquitto in a real mosquitto: every user has the rights that it needs and no others."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_lpr.backoff import BackOff
from edge_lpr.config import DeviceSettings, HomeAssistantSettings, MqttSettings, Settings
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.passages import Passage
from tests.support import samples
from tests.support.api import requests_answered
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber

BASE = "edge-lpr/gate-1"
USERS = ("gate-1", "gate-2", "parking", "display", "counting", "home-assistant")

Subscribe = Callable[..., Subscriber]


@pytest.fixture
def broker(start_mosquitto: Callable[..., Mosquitto], repo_root: Path, tmp_path: Path) -> Mosquitto:
    """A broker with the rights of the example. The password of each user is its name."""
    accounts = tmp_path / "accounts"
    accounts.touch()
    for user in USERS:
        subprocess.run(["mosquitto_passwd", "-b", str(accounts), user, user], check=True, capture_output=True)
    rights = repo_root / "docs" / "mosquitto" / "edge-lpr.acl"
    return start_mosquitto("allow_anonymous false", f"password_file {accounts}", f"acl_file {rights}")


@pytest.fixture
def gate(broker: Mosquitto, tmp_path: Path) -> PassagePublisher:
    """A gate that may publish."""
    device = DeviceSettings(id="gate-1", state_dir=tmp_path / "state")
    return PassagePublisher(gate_settings(broker.port, tmp_path), device, backoff=BackOff(0.05, 0.2))


def gate_settings(port: int, folder: Path, *, announced: bool = False) -> MqttSettings:
    """Returns the settings of a gate that logs in as ``gate-1``, and is ``announced`` to Home Assistant."""
    password_file = folder / "password"
    password_file.write_text("gate-1", encoding="ascii")
    return MqttSettings(
        port=port,
        username="gate-1",
        password_file=password_file,
        home_assistant=HomeAssistantSettings(enabled=announced),
    )


def test_every_user_of_the_example_has_only_the_rights_it_needs(
    broker: Mosquitto, gate: PassagePublisher, subscribe: Subscribe, passage: Passage, tmp_path: Path
) -> None:
    parking, display, other = (
        subscribe(broker.port, username=user, password=user) for user in ("parking", "display", "gate-2")
    )
    settings = Settings(mqtt=gate_settings(broker.port, tmp_path), device=DeviceSettings(state_dir=tmp_path / "api"))
    with gate, requests_answered(settings, lambda _: []):
        gate.publish_health(samples.HEALTH)
        gate.publish_passage(passage)
        assert gate.wait_until_empty(DEADLINE_S)
        for listener in (parking, display):
            listener.wait_count(f"{BASE}/plate", 1)
            listener.wait_payload(f"{BASE}/availability", b"online")
            listener.wait_count(f"{BASE}/health", 1)

        asked = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        asked.ResponseTopic = "parking/answers/7"
        for asker in (display, other, parking):  # only the last has the right; its answer comes last
            asker.client.publish(f"{BASE}/request/capture", b"", qos=1, properties=asked).wait_for_publish(DEADLINE_S)
        parking.client.publish(f"{BASE}/plate", b"forged", qos=1)
        other.client.publish(f"{BASE}/plate", b"forged", qos=1)
        parking.wait_count("parking/answers/7", 1)
        gate.publish_passage(passage)
        parking.wait_count(f"{BASE}/plate", 2)
    parking.wait_payload(f"{BASE}/availability", b"offline")
    assert len(parking.on("parking/answers/7")) == 1
    assert all(message.payload != b"forged" for message in parking.messages)
    assert not [message for message in display.messages if message.topic.startswith("parking/")]
    assert other.messages == []


def test_the_example_has_rights_for_home_assistant_and_for_counting(
    broker: Mosquitto, subscribe: Subscribe, passage: Passage, tmp_path: Path
) -> None:
    hub, counting = (subscribe(broker.port, username=user, password=user) for user in ("home-assistant", "counting"))
    settings = gate_settings(broker.port, tmp_path, announced=True)
    gate = PassagePublisher(settings, DeviceSettings(id="gate-1", state_dir=tmp_path / "state"))
    config = "homeassistant/device/edge-lpr_2fgate-1/config"
    with gate:
        hub.wait_count(config, 1)
        hub.wait_payload(f"{BASE}/availability", b"online")
        gate.publish_statistic(samples.STATISTICS)
        gate.publish_passage(passage)
        counting.wait_count(f"{BASE}/statistics", 1)
        hub.wait_count(f"{BASE}/plate", 1)
    assert {message.topic for message in counting.messages} == {f"{BASE}/statistics"}


def test_the_example_settings_are_accepted(
    start_mosquitto: Callable[..., Mosquitto], repo_root: Path, tmp_path: Path, certificates: Path, subscribe: Subscribe
) -> None:
    (tmp_path / "passwords").touch()
    text = (repo_root / "docs" / "mosquitto" / "edge-lpr.conf").read_text(encoding="utf-8")
    places = {
        "/etc/mosquitto/passwords\nacl": f"{tmp_path}/passwords\nacl",
        "/etc/mosquitto/edge-lpr.acl": str(repo_root / "docs" / "mosquitto" / "edge-lpr.acl"),
        "/etc/mosquitto/certs/ca.pem": str(certificates / "ca.pem"),
        "/etc/mosquitto/certs/broker.pem": str(certificates / "server.pem"),
        "/etc/mosquitto/certs/broker.key": str(certificates / "server.key"),
    }
    for example, here in places.items():
        assert example in text
        text = text.replace(example, here)
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    listener = next(line for line in lines if line.startswith("listener"))
    assert listener == "listener 8883"
    # The broker of the test has another port and the certificates of the example.
    broker = start_mosquitto(*(line for line in lines if line not in (listener, "per_listener_settings false")))
    assert "Error" not in broker.log
