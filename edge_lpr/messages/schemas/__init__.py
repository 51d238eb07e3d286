"""The payloads as JSON Schema 2020-12, one file each, for subscribers and for our own tests."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

SCHEMA_NAMES = (
    "response",
    "error",
    "plate",
    "capture",
    "health",
    "statistics",
    "availability",
    "request",
    "capture-request",
    "reload",
)
_BUNDLED = {
    "plate": ("response",),
    "statistics": ("response",),
    "capture": ("response", "error"),
    "reload": ("error",),
}


def load_schema(name: str) -> dict[str, Any]:
    """One schema of ``SCHEMA_NAMES``, complete in itself: the schemas it refers to are bundled under ``$defs``.

    Bundling as in JSON Schema 2020-12 core, section 9.3: references keep their ``urn:edge-lpr:…`` names.
    """
    if name not in SCHEMA_NAMES:
        raise ValueError(f"no schema {name!r}; there are: {', '.join(SCHEMA_NAMES)}")
    schema = _read(name)
    bundled = {other: _read(other) for other in _BUNDLED.get(name, ())}
    if bundled:
        schema["$defs"] = {**schema.get("$defs", {}), **bundled}
    return schema


def _read(name: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
