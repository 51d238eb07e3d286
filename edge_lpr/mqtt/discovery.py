"""Home Assistant's MQTT discovery: one retained message that describes the device and all its entities.

It is sent on every connect. The broker keeps it for Home Assistant's own next start. The format is device-based
discovery, for Home Assistant 2024.11 and later. Source: home-assistant.io, MQTT integration, "Device discovery
payload". The event entity ignores retained messages; passages are never retained.
"""

from __future__ import annotations

from edge_lpr import __version__
from edge_lpr.config import HomeAssistantSettings
from edge_lpr.messages.encoding import JsonObject, encode
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import Topics

EVENT_TYPES = ("passed", "in", "out", "replayed")
"""Event types: the crossing of a passage, ``passed`` without a crossing line, or ``replayed``.

A replayed passage is from the past. No automation should open the gate for it.
"""

_PASSAGE = """\
{% set e = value_json.Event %}{% set r = value_json.Response %}\
{{ {'event_type': 'replayed' if e.Replayed else (e.get('Crossing') or 'passed'), 'number': r.Number,\
 'confidence': r.Confidence, 'color': r.Color, 'category': r.LicensePlateCategory, 'direction': e.Direction,\
 'crossing': e.get('Crossing'), 'matches': e.get('Matches', []), 'evidence': e.get('Evidence'),\
 'captured_at': e.CapturedAt, 'sequence': e.Sequence} | to_json }}"""


def announce_device(connection: MqttConnection, topics: Topics, settings: HomeAssistantSettings) -> None:
    """Makes ``connection`` publish the description of one device on every connect."""
    connection.publish_retained(discovery_topic(topics, settings.prefix), encode(discovery_payload(topics)), qos=1)


def discovery_topic(topics: Topics, prefix: str) -> str:
    """Returns the topic of the discovery message."""
    return f"{prefix}/device/{object_id(topics)}/config"


def object_id(topics: Topics) -> str:
    """Returns an identifier of letters, digits, ``-`` and ``_``, unique for each device and topic prefix."""
    return "".join(
        character if character.isalnum() or character == "-" else f"_{ord(character):x}" for character in topics.base
    )


def discovery_payload(topics: Topics) -> JsonObject:
    """Returns the discovery message: the device and its entities."""
    device = object_id(topics)
    return {
        "device": {
            "identifiers": [device],
            "name": f"Gate {topics.device_id}",
            "manufacturer": "edge-lpr",
            "model": "Number-plate reader",
            "sw_version": __version__,
        },
        "origin": {"name": "edge-lpr", "sw_version": __version__},
        "availability_topic": topics.availability,
        "components": _entities(topics, device),
    }


def _entities(topics: Topics, device: str) -> dict[str, JsonObject]:
    """Returns the entities of the device by their names."""
    entities: dict[str, JsonObject] = {
        "passage": _passage(topics),
        "camera_fault": _camera_fault(topics),
        "outbox": _health_sensor(
            "Passages waiting", "value_json.Outbox.Waiting", icon="mdi:tray-full", state_class="measurement"
        ),
        "published": _health_sensor(
            "Passages", "value_json.Passages.Published", icon="mdi:counter", state_class="total_increasing"
        ),
        "reading": _health_sensor(
            "Reading",
            "value_json.Reading.State",
            device_class="enum",
            options=["normal", "idle", "busy", "hot", "throttled"],
        ),
        "frames": _health_sensor(
            "Frames",
            "value_json.FramesPerSecond",
            unit_of_measurement="fps",
            state_class="measurement",
            icon="mdi:filmstrip",
        ),
        "temperature": _health_sensor(
            "Temperature",
            "value_json.TemperatureCelsius",
            device_class="temperature",
            unit_of_measurement="°C",
            state_class="measurement",
        ),
    }
    for name, entity in entities.items():
        entity["unique_id"] = f"{device}_{name}"
        if name != "passage":
            entity["state_topic"] = topics.health
            entity["entity_category"] = "diagnostic"
    return entities


def _passage(topics: Topics) -> JsonObject:
    return {
        "platform": "event",
        "name": "Passage",
        "icon": "mdi:car",
        "state_topic": topics.plate,
        "event_types": list(EVENT_TYPES),
        "value_template": _PASSAGE,
    }


def _camera_fault(topics: Topics) -> JsonObject:
    return {
        "platform": "binary_sensor",
        "name": "Camera fault",
        "device_class": "problem",
        "value_template": "{{ 'OFF' if value_json.Camera.Fault is none else 'ON' }}",
        "json_attributes_topic": topics.health,
        "json_attributes_template": "{{ value_json.Camera | to_json }}",
    }


def _health_sensor(name: str, value: str, **more: object) -> JsonObject:
    return {"platform": "sensor", "name": name, "value_template": f"{{{{ {value} }}}}", **more}
