"""Writes the JSON Schemas of all payloads, generated from the models: ``python -m edge_lpr.messages.generate``."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from edge_lpr.messages import schemas
from edge_lpr.messages.answer import ErrorAnswer, PlateAnswer
from edge_lpr.messages.availability import Availability
from edge_lpr.messages.capture import CaptureAnswer
from edge_lpr.messages.encoding import JsonObject
from edge_lpr.messages.event import PlateMessage
from edge_lpr.messages.health import HealthMessage
from edge_lpr.messages.reload import ReloadAnswer
from edge_lpr.messages.request import CaptureRequest, LicensePlateOcrRequest
from edge_lpr.messages.statistics import StatisticsMessage

ROOTS: dict[str, type[BaseModel | Enum]] = {
    "response": PlateAnswer,
    "error": ErrorAnswer,
    "plate": PlateMessage,
    "capture": CaptureAnswer,
    "health": HealthMessage,
    "statistics": StatisticsMessage,
    "availability": Availability,
    "request": LicensePlateOcrRequest,
    "capture-request": CaptureRequest,
    "reload": ReloadAnswer,
}
"""The model of each schema of ``SCHEMA_NAMES``."""

# Models have their titles in their configuration.
_TITLES = {"availability": "Whether the gate is connected, on <prefix>/<device>/availability"}
_FIRST_KEYS = ("$schema", "$id", "$ref", "title", "description", "type", "required", "additionalProperties")


class SchemaGenerator(GenerateJsonSchema):
    """Pydantic's generator without titles made from field names, and with the short form of nullable types."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Returns False: the name of a field is title enough."""
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Returns ``"type": [..., "null"]`` where the inner schema allows it."""
        inner = self.generate_inner(schema["schema"])
        if "enum" in inner:
            return {"enum": [*inner["enum"], None]}
        if isinstance(inner.get("type"), str):
            return {**inner, "type": [inner["type"], "null"]}
        return {"anyOf": [inner, {"type": "null"}]}


def generate_schema(name: str) -> JsonObject:
    """Returns one schema of ``SCHEMA_NAMES``, complete in itself."""
    found = TypeAdapter(ROOTS[name]).json_schema(schema_generator=SchemaGenerator, mode="validation")
    for definition in found.get("$defs", {}).values():
        definition.pop("title", None)  # the name of the class, which is the definition's name already
        if "enum" in definition:
            definition.pop("description", None)  # the docstring of an enumeration addresses readers of the code
    if name in _TITLES:
        found["title"] = _TITLES[name]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:edge-lpr:{name}"}
    ordered: JsonObject = _ordered({**head, **found})
    return ordered


def as_text(schema: JsonObject) -> str:
    """Returns a schema as it stands in its file."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    """Writes the files."""
    for name in schemas.SCHEMA_NAMES:
        path = Path(schemas.__file__).with_name(f"{name}.json")
        path.write_text(as_text(generate_schema(name)), encoding="utf-8")


def _ordered(node: Any, *, is_named: bool = False) -> Any:
    """Returns a schema with its keys in the order of reading, and descriptions on one line without markup.

    The values of an enumeration say its type. ``is_named`` is True for a mapping from names to schemas, whose order
    stays.
    """
    if isinstance(node, list):
        return [_ordered(item) for item in node]
    if not isinstance(node, dict):
        return node
    if is_named:
        return {name: _ordered(schema) for name, schema in node.items()}
    return {
        key: " ".join(node[key].replace("``", "").split())
        if key == "description"
        else _ordered(node[key], is_named=key in ("properties", "$defs"))
        for key in sorted(node, key=_rank)
        if not (key == "type" and "enum" in node)
    }


def _rank(key: str) -> int:
    if key in _FIRST_KEYS:
        return _FIRST_KEYS.index(key)
    return len(_FIRST_KEYS) + (key == "properties") + 2 * (key == "$defs")


if __name__ == "__main__":
    main()
