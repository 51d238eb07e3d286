"""Reads a YAML file into a plain tree and keeps the line of each value. The tree is not validated here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edge_lpr.config.names import Location, dotted
from edge_lpr.errors import ConfigError

MAX_BYTES = 1_000_000

MAX_VALUES = 200_000
"""The most values of a file, counting each use of an alias: a few lines of aliases can stand for billions of values."""


@dataclass(frozen=True)
class Document:
    """A parsed file: its tree, the line of each value (from 1), and an error for each key that is given twice."""

    path: Path
    tree: dict[str, Any]
    lines: dict[Location, int]
    errors: tuple[str, ...]

    def place_of(self, location: Location) -> str:
        """Returns ``file:line`` of a value, or of the nearest section or list around it that has a line."""
        for length in range(len(location), 0, -1):
            if location[:length] in self.lines:
                return f"{self.path}:{self.lines[location[:length]]}"
        return str(self.path)


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
    if len(lines) > MAX_VALUES:
        raise ConfigError(f"{path}: more than {MAX_VALUES} values, aliases counted each time; use fewer aliases")
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


def _syntax_line(path: Path, error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        problem = " ".join(part for part in (error.problem, error.context) if part)
        return f"{path}:{mark.line + 1}:{mark.column + 1}: not valid YAML: {problem}"
    return f"{path}: not valid YAML: {' '.join(str(error).split())}"


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else "a single value"
