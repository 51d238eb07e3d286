"""Describes the values that a setting may have, from its annotation and its bounds."""

from __future__ import annotations

import typing
from pathlib import Path
from typing import Any

import annotated_types
from pydantic.fields import FieldInfo

from edge_lpr.config.fields import members, section_of

_NAMES = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    type(None): "null",
}


def allowed_values(info: FieldInfo) -> str:
    """Returns what a setting may be, such as ``a whole number from 0 to 100 or null``."""
    return " or ".join(_description(kind, constraints) for kind, constraints in members(info.annotation, info.metadata))


def bounds(constraints: list[Any]) -> str:
    """Returns the bounds of a number or of a text's length, such as ``from 0 to 100``; "" if there are none."""
    given = {type(constraint): constraint for constraint in constraints}
    step = given.get(annotated_types.MultipleOf)
    multiple = f", a multiple of {step.multiple_of}" if step else ""
    low, above, high = (given.get(kind) for kind in (annotated_types.Ge, annotated_types.Gt, annotated_types.Le))
    if low and high:
        return f"from {low.ge} to {high.le}{multiple}"
    if above and high:
        return f"above {above.gt} up to {high.le}{multiple}"
    shortest, longest = given.get(annotated_types.MinLen), given.get(annotated_types.MaxLen)
    if shortest and longest:
        return f"of {shortest.min_length} to {longest.max_length} characters"
    return f"of at least {shortest.min_length} character" if shortest else ""


def _description(annotation: Any, constraints: list[Any]) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return f"one of {', '.join(str(value) for value in arguments)}"
    if origin is tuple:
        return _list_description(str(arguments[0]).count("tuple"))
    if origin is dict:
        return "names with values, such as {AeEnable: true}"
    section = section_of(annotation)
    if section is not None:
        return f"a section with {', '.join(section.model_fields)}"
    is_bounded = annotation in (int, float, str)
    return f"{_NAMES[annotation]} {bounds(constraints) if is_bounded else ''}".strip()


def _list_description(depth: int) -> str:
    """``depth``: how many levels of lists the entries have. Points are lists, areas are lists of points."""
    if depth == 0:
        return "a list of text"
    points = "points [x, y], each x and y from 0 to 1"
    return f"a list of {points}" if depth == 1 else f"a list of areas, each a list of {points}"
