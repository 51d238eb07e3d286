"""Judges a discovery payload by Home Assistant's own schemas and templates, inside a Python that has Home Assistant.

Reads ``{"payload", "plate", "health"}`` as JSON from stdin; prints what each entity makes of its message, as JSON. Ends
with an exception where Home Assistant would refuse something. Needs ``homeassistant`` 2024.11 or later and what its
MQTT integration imports (paho-mqtt); ``tests/mqtt/test_discovery.py`` runs it.
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


async def judge(given: dict[str, Any]) -> dict[str, Any]:
    hass = HomeAssistant(tempfile.mkdtemp())
    payload = DEVICE_DISCOVERY_SCHEMA(given["payload"])
    seen = {}
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
        seen[name] = MqttValueTemplate(template.Template(own.template, hass)).async_render_with_possible_json_value(
            json.dumps(given[topic], ensure_ascii=False)
        )
    await hass.async_stop(force=True)
    return seen


print(json.dumps(asyncio.run(judge(json.load(sys.stdin)))))
