"""What an answer means as settings: plain values by their paths, and the sections that they make.

Nothing here asks, opens or writes.
"""

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
    """``type`` and ``source`` of the camera that a person names.

    ``pi`` or ``pi 1`` is the Raspberry Pi's own, what holds ``://`` a stream, a folder that is there photos, a file
    that is there a video, and anything else a USB camera's number, path, name or serial number.
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
    """What a person would answer to get these values."""
    return f"pi {values['source']}".strip() if values["type"] == "pi" else values["source"]


def may_need_login(address: str) -> bool:
    """Whether a stream's address names nobody who may look."""
    return "@" not in address


def with_login(address: str, user: str, password: str) -> str:
    """The address with the user and the password in it, their special characters escaped."""
    scheme, _, place = address.partition("://")
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{place}"


def section(present: AnySection, values: Values, folder: Path) -> AnySection:
    """``present`` with some of its values changed. Raises ConfigError with what is allowed instead."""
    try:
        tree = present.model_dump(exclude_unset=True) | dict(values)
        return type(present).model_validate(tree, context={FOLDER: folder})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from error
