"""Defines the base class of all sections, and the value types that several sections share."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

FOLDER = "folder"
"""Key of the validation context: the folder that relative paths start from."""

_TOPIC_LEVEL = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Section(BaseModel):
    """One section of the settings, frozen and strict: unknown names, and text in place of a number, are errors.

    The class docstring of a section and the docstring below each of its fields are the text of docs/settings.md and
    config.example.yaml, see ``edge_lpr.config.documentation``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a number, for the documentation. It does not change the validation."""

    name: str


def from_folder(text: str, info: ValidationInfo) -> Path:
    """Returns a path of the settings: ``~`` is the user's home; a relative path starts from the file's folder."""
    folder = (info.context or {}).get(FOLDER)
    path = Path(os.path.expanduser(text))
    return path if folder is None else Path(folder) / path


def _as_path(value: object, info: ValidationInfo) -> object:
    return from_folder(value, info) if isinstance(value, str) and value else value


def number_as_text(value: object) -> object:
    """Returns an int as text. YAML reads ``protocol: 5`` and ``source: 0`` as numbers; both are meant as names."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _topic_level(value: str) -> str:
    if not _TOPIC_LEVEL.fullmatch(value):
        raise ValueError("1 to 64 of the characters A-Z a-z 0-9 . _ -, as it becomes part of the MQTT topics")
    return value


def _topic_prefix(value: str) -> str:
    if not all(_TOPIC_LEVEL.fullmatch(level) for level in value.split("/")):
        raise ValueError("levels of A-Z a-z 0-9 . _ - with one / between two levels, such as site/edge-lpr")
    return value


def _topic_filter(value: str) -> str:
    levels = value.split("/")
    is_filter = all(level in ("+", "#") or not set(level) & {"+", "#"} for level in levels) and "#" not in levels[:-1]
    if not is_filter or not value.isprintable() or not 0 < len(value) <= 256 or value.startswith("$"):
        raise ValueError("an MQTT topic filter such as parking/answers/#, in which + stands for one level")
    return value


def _host_name(value: str) -> str:
    if not value or "/" in value or any(character.isspace() for character in value):
        raise ValueError("a host name or an address alone, without mqtt:// and without a port")
    return value


LocalPath = Annotated[Path, BeforeValidator(_as_path)]
TopicLevel = Annotated[str, AfterValidator(_topic_level)]
TopicPrefix = Annotated[str, AfterValidator(_topic_prefix)]
TopicFilter = Annotated[str, AfterValidator(_topic_filter)]
HostName = Annotated[str, AfterValidator(_host_name)]
Port = Annotated[int, Field(ge=1, le=65535)]
Percent = Annotated[int, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Pixels = Annotated[int, Unit("pixels")]
Seconds = Annotated[float, Unit("seconds")]
WholeSeconds = Annotated[int, Unit("seconds")]
Milliseconds = Annotated[float, Unit("milliseconds")]
Days = Annotated[int, Unit("days")]
Megabytes = Annotated[int, Unit("megabytes of 1,048,576 bytes")]
FramesPerSecond = Annotated[float, Unit("frames per second")]
