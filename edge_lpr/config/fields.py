"""Reads the structure of the settings classes: their sections, the paths of all settings, the types of fields."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo


def setting_paths(model: type[BaseModel]) -> list[tuple[str, ...]]:
    """Returns the path of every setting and section, in the order of the file."""
    paths: list[tuple[str, ...]] = []
    for name, info in model.model_fields.items():
        paths.append((name,))
        section = section_of(info.annotation)
        if section is not None:
            paths += [(name, *rest) for rest in setting_paths(section)]
    return paths


def section_of(annotation: Any) -> type[BaseModel] | None:
    """Returns the section class of a field, or None for a field with a plain value."""
    for kind, _ in members(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def annotation_at(root: type[BaseModel], path: tuple[str, ...]) -> Any:
    """Returns the annotation of one setting. Raises KeyError for an unknown path."""
    model: type[BaseModel] | None = root
    annotation: Any = None
    for name in path:
        if model is None:
            raise KeyError(path)
        annotation = model.model_fields[name].annotation
        model = section_of(annotation)
    return annotation


def members(annotation: Any, metadata: Sequence[Any] = ()) -> Iterator[tuple[Any, list[Any]]]:
    """Yields each member of a union, or the only type, without ``Annotated``, and its constraints."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        yield from members(arguments[0], [*metadata, *arguments[1:]])
    elif origin in (typing.Union, types.UnionType):
        for member in arguments:
            yield from members(member, metadata)
    else:
        # A FieldInfo inside Annotated has its own list of constraints.
        nested = [item.metadata if isinstance(item, FieldInfo) else [item] for item in metadata]
        yield annotation, [constraint for constraints in nested for constraint in constraints]
