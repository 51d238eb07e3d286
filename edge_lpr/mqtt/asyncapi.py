"""The gate's topics as an AsyncAPI 3.0 document, from which subscribers can generate code or pages.

``python -m edge_lpr.mqtt.asyncapi`` prints it; ``docs/asyncapi.json`` holds a copy. The gate is the application: the
action ``send`` means that the gate publishes. Source: AsyncAPI 3.0.0, MQTT bindings 0.2.0.
"""

from __future__ import annotations

import json
import sys

from edge_lpr import __version__
from edge_lpr.messages.encoding import JsonObject
from edge_lpr.messages.schemas import SCHEMA_NAMES, load_schema
from edge_lpr.mqtt.topics import CAPTURE, LICENSE_PLATE_OCR, RELOAD, Topics

PREFIX, DEVICE = "{prefix}", "{device}"
_TOPICS = Topics(PREFIX, DEVICE)

JSON, TEXT = "application/json", "text/plain"

_PUBLISHED = (
    # channel, topic, schema, content type, QoS, retained
    ("plate", _TOPICS.plate, "plate", JSON, 1, False),
    ("availability", _TOPICS.availability, "availability", TEXT, 1, True),
    ("health", _TOPICS.health, "health", JSON, 0, True),
    ("statistics", _TOPICS.statistics, "statistics", JSON, 1, False),
)
_REQUESTS = (
    # action, schema of the request (None: the payload is not used), schemas of the answer
    (LICENSE_PLATE_OCR, "request", ("response", "error")),
    (CAPTURE, "capture-request", ("capture",)),
    (RELOAD, None, ("reload",)),
)


def asyncapi_document() -> JsonObject:
    """Returns the document with the schemas of ``edge_lpr/messages/schemas``. No reference leads out of it."""
    channels: JsonObject = {}
    operations: JsonObject = {}
    messages: JsonObject = {}
    for name, topic, schema, content_type, qos, retain in _PUBLISHED:
        messages[name] = _message(schema, content_type)
        channels[name] = _channel(topic, [name])
        operations[f"publish-{name}"] = _operation("send", name, qos, retain)
    for action, request_schema, answer_schemas in _REQUESTS:
        request, response = f"{action}-request", f"{action}-response"
        messages[request] = _message(request_schema, JSON)
        channels[request] = _channel(_TOPICS.request(action), [request])
        answers = {f"{action}-answer-{schema}": _message(schema, JSON) for schema in answer_schemas}
        messages |= answers
        channels[response] = _channel(_TOPICS.response(action), list(answers))
        operation = _operation("receive", request, 1, False)
        operation["reply"] = {"channel": {"$ref": f"#/channels/{response}"}}
        operation["description"] = (
            "The answer goes to the request's MQTT 5 response topic, if api.response_topics allows it, or to the"
            " channel named here."
        )
        operations[f"answer-{action}"] = operation
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "edge-lpr",
            "version": __version__,
            "description": "Passages of vehicles at a gate, and requests to it, over MQTT.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": JSON,
        "servers": {
            "broker": {
                "host": "{host}:{port}",
                "protocol": "mqtt",
                "protocolVersion": "5",
                "description": "The site's own broker (mqtt.host, mqtt.port); protocol 3.1.1 by setting.",
                "variables": {"host": {"default": "127.0.0.1"}, "port": {"default": "1883"}},
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _schemas()},
    }


def _channel(topic: str, messages: list[str]) -> JsonObject:
    return {
        "address": topic,
        "parameters": {
            "prefix": {"description": "mqtt.topic_prefix of the settings.", "default": "edge-lpr"},
            "device": {"description": "device.id of the settings.", "default": "gate-1"},
        },
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
    }


def _operation(action: str, channel: str, qos: int, retain: bool) -> JsonObject:
    binding = {"qos": qos, "retain": retain, "bindingVersion": "0.2.0"}
    return {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "bindings": {"mqtt": binding}}


def _message(schema: str | None, content_type: str) -> JsonObject:
    if schema is None:
        return {"title": "Anything, or nothing", "contentType": content_type, "payload": True}
    title = load_schema(schema)["title"]
    return {"title": title, "contentType": content_type, "payload": {"$ref": f"#/components/schemas/{schema}"}}


def _schemas() -> JsonObject:
    """Returns all schemas and their definitions side by side; references lead to their place in the document.

    The definitions of one name are the same in all schemas, as they come from one model.
    """
    schemas: JsonObject = {}
    definitions: JsonObject = {}
    for name in SCHEMA_NAMES:
        moved = json.loads(json.dumps(load_schema(name)).replace('"#/$defs/', '"#/components/schemas/'))
        definitions |= moved.pop("$defs", {})
        schemas[name] = {key: value for key, value in moved.items() if key not in ("$schema", "$id")}
    return {**schemas, **dict(sorted(definitions.items()))}


def as_text() -> str:
    """Returns the document as the text of ``docs/asyncapi.json``."""
    return json.dumps(asyncapi_document(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(as_text())
