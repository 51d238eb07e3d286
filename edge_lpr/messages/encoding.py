"""How messages are written: JSON, times, identifiers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

JsonObject = dict[str, Any]
"""A JSON object whose shape no model describes."""


def new_request_id() -> str:
    """Returns a new ``RequestId``: a random UUID in its usual 36 characters."""
    return str(uuid4())


def timestamp(moment: datetime) -> str:
    """Returns ``moment`` in RFC 3339 with milliseconds and its own UTC offset. Raises ValueError without an offset."""
    if moment.utcoffset() is None:
        raise ValueError(f"a time in a message needs its offset from UTC: {moment.isoformat()}")
    return moment.isoformat(timespec="milliseconds")


def encode(content: Mapping[str, Any]) -> bytes:
    """Returns a JSON object as UTF-8 on one line; Chinese characters stay themselves."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
