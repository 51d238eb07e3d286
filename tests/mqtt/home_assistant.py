"""Checks a discovery payload with Home Assistant's own schemas and templates, in a Python that has Home Assistant.

Reads ``{"payload", "plate", "health"}`` as JSON from stdin. Prints the value that each entity reads from its message,
as JSON. Raises an exception where Home Assistant would refuse something. Needs ``homeassistant`` 2024.11 or later and
the imports of its MQTT integration (paho-mqtt). ``tests/mqtt/test_discovery.py`` runs this script.
"""

import asyncio
import importlib
import json
import sys
import tempfile
from typing import Any

from homeassistant.components.mqtt.models import MqttValueTemplate
from homeassistant.components.mqtt.schemas import DEVICE_DISCOVERY_SCHEMA
from homeassistant.core import HomeAssistant
from homeassistant.helpers import template


async def render_entities(given: dict[str, Any]) -> dict[str, Any]:
    hass = HomeAssistant(tempfile.mkdtemp())
    payload = DEVICE_DISCOVERY_SCHEMA(given["payload"])
    values = {}
    for name, component in payload["components"].items():
        platform = importlib.import_module(f"homeassistant.components.mqtt.{component['platform']}")
        common = {"device": payload["device"], "origin": payload["origin"]}
        entity = {key: value for key, value in component.items() if key != "platform"}
        config = platform.DISCOVERY_SCHEMA({**entity, **common, "availability_topic": payload["availability_topic"]})
        unknown = set(entity) - set(config)
        if unknown:
            raise ValueError(f"{name}: Home Assistant drops {unknown}")
        own = config["value_template"]
        own.hass = hass
        topic = component["state_topic"].rsplit("/", 1)[1]
        values[name] = MqttValueTemplate(template.Template(own.template, hass)).async_render_with_possible_json_value(
            json.dumps(given[topic], ensure_ascii=False)
        )
    await hass.async_stop(force=True)
    return values


print(json.dumps(asyncio.run(render_entities(json.load(sys.stdin)))))
