"""Conversion of answers into settings. Pure functions: nothing here asks, opens or writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from edge_lpr.config.types import FOLDER, Section
from edge_lpr.errors import ConfigError

AnySection = TypeVar("AnySection", bound=Section)
Values = Mapping[str, Any]


def camera_values(answer: str) -> dict[str, str]:
    """Returns ``type`` and ``source`` of the camera that an answer names.

    ``pi`` or ``pi 1`` is a Raspberry Pi camera. A text with ``://`` is a stream, an existing folder photos, an existing
    file a video. Anything else is a USB camera's number, path, name or serial number.
    """
    if own := re.fullmatch(r"pi\s*(\d*)", answer, re.IGNORECASE):
        return {"type": "pi", "source": own.group(1)}
    if "://" in answer:
        return {"type": "stream", "source": answer}
    path = Path(answer).expanduser()
    if path.is_dir():
        return {"type": "photos", "source": str(path.absolute())}
    if path.is_file():
        return {"type": "video", "source": str(path.absolute())}
    return {"type": "usb", "source": answer}


def camera_answer(values: Mapping[str, str]) -> str:
    """Returns the answer that gives these values."""
    return f"pi {values['source']}".strip() if values["type"] == "pi" else values["source"]


def may_need_login(address: str) -> bool:
    """Returns whether a stream's address holds no user."""
    return "@" not in address


def with_login(address: str, user: str, password: str) -> str:
    """Returns the address with the user and the password, their special characters escaped."""
    scheme, _, place = address.partition("://")
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{place}"


def section(present: AnySection, values: Values, folder: Path) -> AnySection:
    """Returns ``present`` with some values changed. Raises ConfigError, which says what is allowed."""
    try:
        tree = present.model_dump(exclude_unset=True) | dict(values)
        return type(present).model_validate(tree, context={FOLDER: folder})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error
