"""What pydantic found wrong, as lines for the person who wrote the settings.

Each line: where (file and line, or the variable), the setting, what was given, what is allowed.
"""

from __future__ import annotations

import re
import types
import typing
from pathlib import Path
from typing import Any

import annotated_types
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from edge_lpr.config.document import Document, Environment, Location, dotted, section_of, setting_paths, suggestion
from edge_lpr.errors import ConfigError

_MAX_SHOWN = 60
_SECRET = "token"
_NAMES = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    type(None): "null",
}


def as_error(path: Path, faults: list[str]) -> ConfigError:
    """All faults as one error; its message tells how many there are."""
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return ConfigError(f"{path}: {count} in the settings", tuple(faults))


def describe(error: ValidationError, root: type[BaseModel], document: Document, environment: Environment) -> list[str]:
    """One line for each setting that is wrong, in the order of the file."""
    lines: dict[Location, str] = {}
    for detail in error.errors(include_url=False):
        setting = _setting(detail["loc"], root)
        unknown = detail["type"] in ("extra_forbidden", "invalid_key")
        key: Location = tuple(str(part) for part in detail["loc"]) if unknown else setting
        if key in lines:
            continue  # a union reports each of its members; the setting is wrong once
        given = _value_at(environment.tree, setting)
        shown = "a secret" if _SECRET in setting else _shown(given)
        location = key if unknown else _inner(detail["loc"], setting, given)
        place = environment.variable(location) or f"{document.where(location)}: {dotted(location)}"
        if unknown:
            lines[key] = f"{place}: no such setting{_nearest(location, root)}"
        else:
            lines[key] = f"{place}: given {shown}; allowed: {_allowed(detail, setting, root)}"
    return list(lines.values())


def _setting(location: Location, root: type[BaseModel]) -> tuple[str, ...]:
    """The part of pydantic's location that is a setting's path (behind it stand union members and indexes)."""
    model: type[BaseModel] | None = root
    path: list[str] = []
    for part in location:
        if model is None or part not in model.model_fields:
            break
        path.append(str(part))
        model = section_of(model.model_fields[str(part)].annotation)
    return tuple(path)


def _inner(location: Location, setting: tuple[str, ...], given: Any) -> Location:
    """The setting's path, and behind it as much of the location as exists in what was given."""
    path: list[str | int] = list(setting)
    for part in location[len(setting) :]:
        in_list = isinstance(given, list) and isinstance(part, int) and part < len(given)
        if not in_list and not (isinstance(given, dict) and part in given):
            break
        given = given[part]
        path.append(part)
    return tuple(path)


def _value_at(tree: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        if not isinstance(tree, dict) or name not in tree:
            return None
        tree = tree[name]
    return tree


def _shown(value: Any) -> str:
    """What was given, short, and without a password that stands in an address."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(repr(value).split())
    text = re.sub(r"://[^\s]*@", "://…@", text)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _nearest(location: Location, root: type[BaseModel]) -> str:
    """The nearest name in the same section; failing that, the section where this very name belongs."""
    parent = tuple(str(part) for part in location[:-1])
    paths = setting_paths(root)
    elsewhere = [path for path in paths if path[-1] == location[-1]]
    if len(elsewhere) == 1:
        return f"; did you mean {dotted(elsewhere[0])}?"
    siblings = [dotted(path) for path in paths if path[:-1] == parent]
    return suggestion(dotted(location), siblings) or f"; the names here are {', '.join(siblings)}"


def _allowed(detail: Any, setting: tuple[str, ...], root: type[BaseModel]) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    model = root
    info: FieldInfo | None = None
    for name in setting:
        info = model.model_fields[name]
        model = section_of(info.annotation) or model
    if info is None:
        return "sections such as camera: and mqtt:"
    return _kind(info.annotation, info.metadata)


def _kind(annotation: Any, metadata: list[Any]) -> str:
    """What a setting may be, from its annotation and bounds: ``a whole number from 0 to 100 or null``."""
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin is typing.Annotated:
        return _kind(arguments[0], [*metadata, *_flat(arguments[1:])])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_kind(member, [] if member is type(None) else metadata) for member in arguments)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(value) for value in arguments) if len(arguments) > 1 else str(arguments[0])
    if origin is tuple:
        return "a list of points [x, y], each x and y from 0 to 1" if "tuple" in str(arguments) else "a list of text"
    if origin is dict:
        return "names with values, such as {AeEnable: true}"
    section = section_of(annotation)
    if section is not None:
        return f"a section with {', '.join(section.model_fields)}"
    return _NAMES.get(annotation, "another value") + _bounds(_flat(metadata))


def _flat(metadata: Any) -> list[Any]:
    """Constraints alone: a FieldInfo inside Annotated carries its own list of them."""
    found: list[Any] = []
    for item in metadata:
        found += item.metadata if isinstance(item, FieldInfo) else [item]
    return found


def _bounds(metadata: list[Any]) -> str:
    low = high = step = ""
    for item in metadata:
        if isinstance(item, annotated_types.Ge):
            low = f"{item.ge}"
        elif isinstance(item, annotated_types.Gt):
            low = f"above {item.gt}"
        elif isinstance(item, annotated_types.Le):
            high = f"{item.le}"
        elif isinstance(item, annotated_types.MultipleOf):
            step = f", a multiple of {item.multiple_of}"
        elif isinstance(item, annotated_types.MinLen):
            low = ""
            step = f" of at least {item.min_length} character"
    if low.startswith("above"):
        return f" {low}" + (f" up to {high}" if high else "") + step
    if low and high:
        return f" from {low} to {high}{step}"
    return step
