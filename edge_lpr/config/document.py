"""Reads a settings file and the environment into one plain tree, and keeps where each value came from.

This module handles YAML and the names of variables. It does not depend on single settings: the caller gives the root
class of the settings.
"""

from __future__ import annotations

import copy
import difflib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from edge_lpr.errors import ConfigError

PREFIX = "EDGE_LPR__"
MAX_BYTES = 1_000_000

_MAX_NAME = 80

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed file: its tree, the line of each value (from 1), and an error for each key that is given twice."""

    path: Path
    tree: dict[str, Any]
    lines: dict[Location, int]
    errors: tuple[str, ...]

    def where(self, location: Location) -> str:
        """Returns ``file:line`` of a value, or of the nearest section or list around it that has a line."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.lines:
                return f"{self.path}:{self.lines[location[:length]]}"
        return str(self.path)


@dataclass(frozen=True)
class Environment:
    """The tree with the values of the environment, and the variable that gave each of them."""

    tree: dict[str, Any]
    variables: dict[Location, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    def variable(self, location: Location) -> str | None:
        """Returns the name of the variable that gave a value; None for a value of the file."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.variables:
                return self.variables[location[:length]]
        return None


def read_document(path: Path) -> Document:
    """Reads and parses a YAML file. Raises ConfigError for a file that cannot be read or is not a YAML mapping."""
    return parse_document(read_text(path), path)


def parse_document(text: str, path: Path) -> Document:
    """Parses ``text``, the content of ``path``. Raises ConfigError if it is not a YAML mapping."""
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(path, {}, {}, ())
        lines: dict[Location, int] = {}
        errors: list[str] = []
        _collect_lines(node, (), path, lines, errors, frozenset())
        tree = loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError(_syntax_line(path, error)) from error
    except (ValueError, OverflowError) as error:  # such as the date 2024-99-99, which the loader converts
        raise ConfigError(f"{path}: not valid YAML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: not valid YAML: nested too deep") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a settings file holds sections such as 'camera:'; this one is {_kind(tree)}")
    return Document(path, tree, lines, tuple(errors))


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
    for part in _parts(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
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


def suggestion(name: str, valid: typing.Iterable[str]) -> str:
    """Returns ``; did you mean X?`` if one of the valid names is similar, else ""."""
    near = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def read_text(path: Path) -> str:
    """Returns the text of a settings file. Raises ConfigError if it cannot be read."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such settings file; copy config.example.yaml to begin with") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes; this is not a settings file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error


def _collect_lines(
    node: yaml.Node, at: Location, path: Path, lines: dict[Location, int], errors: list[str], above: frozenset[int]
) -> None:
    """Collects the line of each value, and an error for each key that is given twice: YAML silently keeps the last.

    ``above`` holds the ids of the nodes around ``node``. Raises ConfigError for an alias that contains itself.
    """
    if id(node) in above:
        raise ConfigError(f"{path}:{node.start_mark.line + 1}: an alias that contains itself")
    above = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            lines[(*at, index)] = child.start_mark.line + 1
            if isinstance(child, yaml.CollectionNode):
                _collect_lines(child, (*at, index), path, lines, errors, above)
    elif isinstance(node, yaml.MappingNode):
        for key, child in node.value:
            here = (*at, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                errors.append(f"{path}:{line}: {dotted(here)}: given twice, first on line {lines[here]}")
            lines[here] = line
            if isinstance(child, yaml.CollectionNode):
                _collect_lines(child, here, path, lines, errors, above)


def dotted(location: Location) -> str:
    """Returns a location as ``mqtt.tls.ca_file`` or ``passage.lane[2]``."""
    text = ""
    for part in location:
        name = printable(str(part))
        text += f"[{name}]" if isinstance(part, int) else f".{name}" if text else name
    return text


def printable(text: str) -> str:
    """Returns ``text`` shortened, on one line, and without control characters for a terminal."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:_MAX_NAME])
    return shown if len(text) <= _MAX_NAME else shown + "…"


def _syntax_line(path: Path, error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        problem = " ".join(part for part in (error.problem, error.context) if part)
        return f"{path}:{mark.line + 1}:{mark.column + 1}: not valid YAML: {problem}"
    return f"{path}: not valid YAML: {' '.join(str(error).split())}"


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "a single value"


def _replace_null_sections(tree: dict[str, Any], model: type[BaseModel]) -> None:
    """Replaces null by an empty section. YAML gives null for a section whose settings are all commented out."""
    for name, info in model.model_fields.items():
        section = section_of(info.annotation)
        if section is None or name not in tree:
            continue
        if tree[name] is None and type(None) not in _parts(info.annotation):
            tree[name] = {}
        if isinstance(tree[name], dict):
            _replace_null_sections(tree[name], section)


def _typed(text: str, annotation: Any) -> Any:
    """Converts the text of a variable: text and paths stay unchanged, everything else is read as YAML."""
    kinds = _parts(annotation)
    if str in kinds or Path in kinds:
        return text if text or type(None) not in kinds else None
    if all(isinstance(kind, str) for kind in kinds):  # a Literal of names: "5" must stay text
        return text
    return yaml.safe_load(text)


def _parts(annotation: Any) -> list[Any]:
    """Returns the members of a union, the values of a Literal, or the annotation itself, without ``Annotated``."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _parts(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return [part for member in typing.get_args(annotation) for part in _parts(member)]
    if origin is typing.Literal:
        return list(typing.get_args(annotation))
    return [annotation]


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
