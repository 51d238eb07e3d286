"""Changes settings in the text of a settings file and keeps everything else, including comments and spaces.

YAML libraries that write whole files do not keep the layout. Here the parser gives the position of a value, and only
these characters are replaced. The result is parsed again and compared with the intended settings. A file whose form is
not supported is therefore refused and not damaged.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from edge_lpr.errors import ConfigError

INDENT = "  "
_COMMENT = re.compile(r"(?<!\S)#.*")


def edit_section(text: str, path: Path, section: str, values: Mapping[str, Any]) -> str:
    """Returns ``text`` with some settings of ``section`` set to ``values``.

    Args:
        text: The text of a valid settings file.
        path: The file's path, for error messages.
        section: Name of a section at the top level.
        values: The new values by name: text, numbers, or lists of them.

    Raises:
        ConfigError: The section has a form that this function cannot change.
    """
    intended = copy.deepcopy(yaml.safe_load(text)) or {}
    for name, value in values.items():
        text = _with(text, section, name, flow_yaml(value))
        intended[section] = {**(intended.get(section) or {}), name: value}
    try:
        is_as_intended = yaml.safe_load(text) == _plain(intended)
    except yaml.YAMLError:
        is_as_intended = False
    if not is_as_intended:
        wanted = ", ".join(f"{section}.{name}: {flow_yaml(value)}" for name, value in values.items())
        raise ConfigError(f"{path}: the form of {section} cannot be changed automatically; set in the file {wanted}")
    return text


def _plain(value: Any) -> Any:
    """Returns the value with lists in place of tuples, as YAML reads them."""
    if isinstance(value, Mapping):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, tuple | list) else value


def flow_yaml(value: Any) -> str:
    """Returns a value as YAML in flow style, on one line."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(flow_yaml(inner) for inner in value)}]"
    dumped = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=float("inf"))  # one line
    return str(dumped).removesuffix("...\n").strip()


def _with(text: str, section: str, name: str, value: str) -> str:
    line_end = "\r\n" if "\r\n" in text else "\n"
    root = yaml.compose(text, yaml.SafeLoader)
    entry = _entry(root, section)
    if entry is None:
        gap = line_end if text and not text.endswith("\n") else ""
        return f"{text}{gap}{line_end}{section}:{line_end}{INDENT}{name}: {value}{line_end}"
    key, node = entry
    if not isinstance(node, yaml.MappingNode):  # empty or null: all settings are commented out
        return _opened(text, key, node, f"{INDENT}{name}: {value}", line_end)
    setting = _entry(node, name)
    if setting is not None:
        return _replaced(text, *setting, value, line_end)
    if node.flow_style:
        at = node.start_mark.index + 1
        return f"{text[:at]}{name}: {value}{', ' if node.value else ''}{text[at:]}"
    first = node.value[0][0].start_mark
    return f"{text[: first.index]}{name}: {value}{line_end}{' ' * first.column}{text[first.index :]}"


def _entry(mapping: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node] | None:
    if not isinstance(mapping, yaml.MappingNode):
        return None
    return next(((key, value) for key, value in mapping.value if key.value == name), None)


def _opened(text: str, key: yaml.Node, nothing: yaml.Node, line: str, line_end: str) -> str:
    text = text[: nothing.start_mark.index] + text[nothing.end_mark.index :]
    at = text.find("\n", key.end_mark.index) + 1
    if not at:
        return f"{text}{line_end}{line}{line_end}"
    return f"{text[:at]}{line}{line_end}{text[at:]}"


def _replaced(text: str, key: yaml.Node, old: yaml.Node, value: str, line_end: str) -> str:
    """Replaces the old value. Comments inside it move above the setting; one behind it keeps its column if possible."""
    begin, end = text.index(":", key.end_mark.index) + 1, _end(old)
    comments = _COMMENT.findall(text[begin:end])
    rest = text[end:]
    spaces = len(rest) - len(rest.lstrip(" "))
    if rest[spaces : spaces + 1] == "#":
        room = end - begin + spaces if "\n" not in text[begin:end] else 0
        rest = " " * max(2, room - len(value) - 1) + rest[spaces:]
    line_start = text.rfind("\n", 0, key.start_mark.index) + 1
    margin = re.match(r" *", text[line_start:])
    above = "".join(f"{margin[0] if margin else ''}{comment.rstrip()}{line_end}" for comment in comments)
    return f"{text[:line_start]}{above}{text[line_start:begin]} {value}{rest}"


def _end(node: yaml.Node) -> int:
    """Returns the index at which the node's text ends. The parser's end mark of a block lies behind later comments."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last)
    return int(node.end_mark.index)
