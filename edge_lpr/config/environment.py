"""Overrides settings of the file with the ``EDGE_LPR__SECTION__NAME`` variables of the environment."""

from __future__ import annotations

import copy
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from edge_lpr.config.fields import annotation_at, members, section_of, setting_paths
from edge_lpr.config.names import Location, printable, suggestion

PREFIX = "EDGE_LPR__"


@dataclass(frozen=True)
class Environment:
    """The tree with the values of the environment, and the variable that gave each of them."""

    tree: dict[str, Any]
    variables: dict[Location, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    def variable_of(self, location: Location) -> str | None:
        """Returns the name of the variable that gave a value; None for a value of the file."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.variables:
                return self.variables[location[:length]]
        return None


def apply_environment(tree: dict[str, Any], environ: Mapping[str, str], root: type[BaseModel]) -> Environment:
    """Returns a copy of ``tree`` with the values of the ``EDGE_LPR__…`` variables of ``environ``."""
    merged = copy.deepcopy(tree)
    _replace_null_sections(merged, root)
    variables: dict[Location, str] = {}
    errors: list[str] = []
    names = {PREFIX + "__".join(path).upper(): path for path in setting_paths(root)}
    for variable in sorted(name for name in environ if name.startswith(PREFIX)):
        path = names.get(variable)
        if path is None:
            errors.append(f"{printable(variable)}: no such setting{suggestion(variable, names)}")
            continue
        try:
            value = _typed(environ[variable], annotation_at(root, path))
        except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
            errors.append(f"{variable}: not valid as a YAML value")
            continue
        if _put(merged, path, value):
            variables[path] = variable
    return Environment(merged, variables, tuple(errors))


def _replace_null_sections(tree: dict[str, Any], model: type[BaseModel]) -> None:
    """Replaces null by an empty section. YAML gives null for a section whose settings are all commented out."""
    for name, info in model.model_fields.items():
        section = section_of(info.annotation)
        if section is None or name not in tree:
            continue
        if tree[name] is None and not any(kind is type(None) for kind, _ in members(info.annotation)):
            tree[name] = {}
        if isinstance(tree[name], dict):
            _replace_null_sections(tree[name], section)


def _typed(text: str, annotation: Any) -> Any:
    """Converts the text of a variable: text and paths stay unchanged, everything else is read as YAML."""
    kinds = [kind for kind, _ in members(annotation)]
    if str in kinds or Path in kinds:
        return text if text or type(None) not in kinds else None
    choices = [choice for kind in kinds for choice in typing.get_args(kind)]
    if choices and all(isinstance(choice, str) for choice in choices):  # a Literal: "5" must stay text
        return text
    return yaml.safe_load(text)


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> bool:
    """Sets one value. Returns False if a parent in the file is not a section; validation reports that."""
    section = tree
    for name in path[:-1]:
        inner = section.get(name)
        if inner is None:
            inner = section[name] = {}
        if not isinstance(inner, dict):
            return False
        section = inner
    section[path[-1]] = value
    return True
