"""Home Assistant discovery: its published rules, Home Assistant's own code if it is installed, and its restarts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_lpr.mqtt.discovery import EVENT_TYPES, discovery_payload, discovery_topic, object_id
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.mqtt.topics import Topics
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber
from tests.support.samples import HEALTH_MESSAGE, PLATE_MESSAGE

TOPICS = Topics("edge-lpr", "gate-1")
CONFIG = "homeassistant/device/edge-lpr_2fgate-1/config"
ON = {"enabled": True}

ALLOWED = {
    "event": {"event_types", "device_class"},
    "sensor": {"device_class", "options", "state_class", "unit_of_measurement", "expire_after"},
    "binary_sensor": {"device_class", "payload_on", "payload_off", "expire_after"},
}
COMMON = {"platform", "name", "icon", "state_topic", "value_template", "unique_id", "entity_category"}
ATTRIBUTES = {"json_attributes_topic", "json_attributes_template"}
"""The options of each platform on home-assistant.io that are useful for a gate."""


def test_the_payload_keeps_the_published_rules() -> None:
    payload = discovery_payload(TOPICS)
    assert set(payload) == {"device", "origin", "components", "availability_topic"}
    assert payload["device"]["identifiers"] and payload["origin"]["name"]
    for name, component in payload["components"].items():
        platform = component["platform"]
        assert set(component) <= COMMON | ATTRIBUTES | ALLOWED[platform], name
        assert component["state_topic"] in (TOPICS.plate, TOPICS.health)
        assert component["unique_id"].endswith(name)
        if "options" in component:
            assert component["device_class"] == "enum" and "state_class" not in component
    ids = [component["unique_id"] for component in payload["components"].values()]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("prefix", "device"), [("edge-lpr", "gate.1"), ("site/a", "gate_1"), ("site", "a_gate.1")])
def test_home_assistant_subscribes_to_the_discovery_topic(prefix: str, device: str) -> None:
    topic = discovery_topic(Topics(prefix, device), "homeassistant")
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic)


def test_no_two_devices_share_an_id() -> None:
    bases = [("a/b", "c"), ("a", "b_2fc"), ("a_2fb", "c"), ("a", "b.c"), ("a", "b-c"), ("a", "b_c")]
    assert len({object_id(Topics(*base)) for base in bases}) == len(bases)


def test_the_description_is_sent_on_connect_and_kept_for_the_start_of_home_assistant(
    mosquitto: Mosquitto, make_publisher: Callable[..., PassagePublisher], subscribe: Callable[..., Subscriber]
) -> None:
    subscriber = subscribe(mosquitto.port)
    publisher = make_publisher(mosquitto.port, home_assistant=ON)
    (first,) = subscriber.wait_count(CONFIG, 1)
    assert first.json == discovery_payload(TOPICS)
    assert first.qos == 1
    late = subscribe(mosquitto.port, CONFIG)
    assert late.wait_count(CONFIG, 1)[0].retain
    assert publisher.connection.wait_for("connected", DEADLINE_S)
    assert subscriber.wait_count("edge-lpr/gate-1/availability", 1)[0].payload == b"online"


def test_the_description_is_sent_again_after_a_restart_of_a_broker_without_persistence(
    mosquitto: Mosquitto, make_publisher: Callable[..., PassagePublisher], subscribe: Callable[..., Subscriber]
) -> None:
    publisher = make_publisher(mosquitto.port, home_assistant=ON)
    assert publisher.connection.wait_for("connected", DEADLINE_S)
    mosquitto.stop()
    assert publisher.connection.wait_for("unreachable", DEADLINE_S)
    mosquitto.start()
    subscriber = subscribe(mosquitto.port)
    assert subscriber.wait_count(CONFIG, 1)[0].json == discovery_payload(TOPICS)
    subscriber.wait_payload("edge-lpr/gate-1/availability", b"online")
    publisher.stop()
    subscriber.wait_payload("edge-lpr/gate-1/availability", b"offline")


def test_without_the_setting_nothing_is_published(
    mosquitto: Mosquitto, make_publisher: Callable[..., PassagePublisher], subscribe: Callable[..., Subscriber]
) -> None:
    subscriber = subscribe(mosquitto.port)
    make_publisher(mosquitto.port)
    subscriber.wait_payload("edge-lpr/gate-1/availability", b"online")
    assert not any(message.topic.startswith("homeassistant") for message in subscriber.messages)


def rendered_entities(plate: dict[str, Any]) -> dict[str, Any]:
    """Returns the values that Home Assistant's own code reads from the messages."""
    python = os.environ.get("HOME_ASSISTANT_PYTHON")
    if python is None:
        pytest.skip("HOME_ASSISTANT_PYTHON is not set to a Python with Home Assistant 2024.11 or later")
    given = {"payload": discovery_payload(TOPICS), "plate": plate, "health": HEALTH_MESSAGE}
    script = Path(__file__).with_name("home_assistant.py")
    done = subprocess.run(
        [*python.split(), str(script)], input=json.dumps(given), capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    values: dict[str, Any] = json.loads(done.stdout)
    return values


@pytest.mark.parametrize(
    ("change", "kind"),
    [({}, "in"), ({"Crossing": None}, "passed"), ({"Replayed": True}, "replayed"), ({"Crossing": "out"}, "out")],
)
def test_home_assistant_itself_accepts_it(change: dict[str, Any], kind: str) -> None:
    values = rendered_entities({**PLATE_MESSAGE, "Event": {**PLATE_MESSAGE["Event"], **change}})
    event = json.loads(values["passage"])
    assert event["event_type"] == kind in EVENT_TYPES
    assert event["number"] == PLATE_MESSAGE["Response"]["Number"]
    assert values["camera_fault"] == "OFF"
    assert values["reading"] == HEALTH_MESSAGE["Reading"]["State"]
    assert float(values["temperature"]) == HEALTH_MESSAGE["TemperatureCelsius"]
