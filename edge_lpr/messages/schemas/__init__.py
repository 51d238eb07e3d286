"""The payloads as JSON Schema 2020-12, one file each, for subscribers and for our own tests.

The files are generated from the models: ``python -m edge_lpr.messages.generate``.
"""

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


def load_schema(name: str) -> dict[str, Any]:
    """Returns one schema of ``SCHEMA_NAMES``, complete in itself. Raises ValueError for another name."""
    if name not in SCHEMA_NAMES:
        raise ValueError(f"no schema {name!r}; there are: {', '.join(SCHEMA_NAMES)}")
    text = resources.files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
