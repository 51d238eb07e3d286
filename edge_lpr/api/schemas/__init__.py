"""The payloads as JSON Schema 2020-12, one file each, for subscribers and for our own tests."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

SCHEMA_NAMES = ("response", "error", "plate", "health")


def load_schema(name: str) -> dict[str, Any]:
    """One schema of ``SCHEMA_NAMES``, complete in itself: the schemas it refers to are bundled under ``$defs``.

    Bundling as in JSON Schema 2020-12 core, section 9.3: references keep their ``urn:edge-lpr:…`` names.
    """
    if name not in SCHEMA_NAMES:
        raise ValueError(f"no schema {name!r}; there are: {', '.join(SCHEMA_NAMES)}")
    schema = _read(name)
    if name == "plate":
        schema["$defs"] = {**schema.get("$defs", {}), "response": _read("response")}
    return schema


def _read(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
