"""Turns pydantic's validation errors into lines for the user: ``file:line: setting: given X; allowed: Y``.

An error of a value from the environment starts with the name of the variable.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from edge_lpr.config.allowed_values import allowed_values
from edge_lpr.config.document import Document
from edge_lpr.config.environment import Environment
from edge_lpr.config.fields import section_of, setting_paths
from edge_lpr.config.names import Location, dotted, suggestion
from edge_lpr.errors import ConfigError

_MAX_SHOWN = 60
_SECRET = "token"


def config_error(path: Path, errors: list[str]) -> ConfigError:
    """Returns all errors as one ConfigError, whose message contains their number."""
    count = "1 fault" if len(errors) == 1 else f"{len(errors)} faults"
    return ConfigError(f"{path}: {count} in the settings", tuple(errors))


def error_lines(
    error: ValidationError, root: type[BaseModel], document: Document, environment: Environment
) -> list[str]:
    """Returns one line for each invalid setting, in the order of the settings classes."""
    lines: dict[Location, str] = {}
    for detail in error.errors(include_url=False):
        setting = _setting(detail["loc"], root)
        unknown = detail["type"] in ("extra_forbidden", "invalid_key")
        key: Location = tuple(str(part) for part in detail["loc"]) if unknown else setting
        if key in lines:
            continue  # pydantic reports an error for each member of a union
        given = _value_at(environment.tree, setting)
        shown = "a secret" if _SECRET in setting else _shown(given)
        location = key if unknown else _inner(detail["loc"], setting, given)
        place = environment.variable_of(location) or f"{document.place_of(location)}: {dotted(location)}"
        if unknown:
            lines[key] = f"{place}: no such setting{_nearest(location, root)}"
        else:
            lines[key] = f"{place}: given {shown}; allowed: {_allowed(detail, setting, root)}"
    return list(lines.values())


def _setting(location: Location, root: type[BaseModel]) -> tuple[str, ...]:
    """Returns the path of the setting. In pydantic's location, members of unions and indexes follow it."""
    model: type[BaseModel] | None = root
    path: list[str] = []
    for part in location:
        if model is None or part not in model.model_fields:
            break
        path.append(str(part))
        model = section_of(model.model_fields[str(part)].annotation)
    return tuple(path)


def _inner(location: Location, setting: tuple[str, ...], given: Any) -> Location:
    """Returns the path of the setting, extended by the part of the location that exists in the given value."""
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
    """Returns the given value, shortened and without the password of an address."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    text = " ".join(repr(value).split())
    text = re.sub(r"://[^\s]*@", "://…@", text)
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + "…"


def _nearest(location: Location, root: type[BaseModel]) -> str:
    """Returns a suggestion: the same name in another section, or a similar name, or all names of the section."""
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
    return allowed_values(info)
