"""Generates damaged and random settings files, and checks that each gives settings or clear error lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from edge_lpr.config import Settings, load_settings
from edge_lpr.config.fields import setting_paths
from edge_lpr.errors import ConfigError

EXAMPLE = (Path(__file__).resolve().parents[2] / "config.example.yaml").read_text(encoding="utf-8")
LONGEST_LINE = 2000
_PATHS = setting_paths(Settings)
_NAMES = sorted({name for path in _PATHS for name in path})


def files() -> st.SearchStrategy[bytes]:
    """Generates the bytes of a settings file: noise, any YAML, settings with odd values, the damaged example."""
    texts = st.text(max_size=60)
    scalars = st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), texts, st.dates(), st.binary(max_size=20),
        st.sampled_from(["127.0.0.1", "rtsp://h/x", "5", "", "/", "~", "0", "a" * 300, "1e999"]),
    )  # fmt: skip
    values = st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
    )
    trees = st.lists(st.tuples(st.sampled_from(_PATHS), values), min_size=1, max_size=8).map(_tree)
    odd = st.dictionaries(st.sampled_from(_NAMES) | texts, values, max_size=4)
    written = st.one_of(trees, trees, odd, values).map(lambda tree: yaml.safe_dump(tree, allow_unicode=True).encode())
    yaml_like = st.text("abc:{}[]-?*&!%@|>#'\", \n\t019.~", max_size=120).map(str.encode)
    return st.one_of(written, written, damaged(), damaged(), yaml_like, st.binary(max_size=200))


def damaged() -> st.SearchStrategy[bytes]:
    """Generates the example file with characters changed, removed and inserted."""

    def change(edits: list[tuple[int, int, str]]) -> bytes:
        text = EXAMPLE
        for at, length, inserted in edits:
            text = text[:at] + inserted + text[at + length :]
        return text.encode("utf-8", "surrogatepass")

    pieces = st.text(max_size=10) | st.sampled_from(["\n", ": ", "  ", "- ", "{", "*a", "&a ", "!!python/object:x "])
    return st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 40), pieces), min_size=1, max_size=5).map(
        change
    )


def environments() -> st.SearchStrategy[dict[str, str]]:
    """Generates up to two variables. Most are named after settings."""
    names = st.sampled_from(["__".join(path).upper() for path in _PATHS]) | st.text("ABC_", max_size=8)
    values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
    return st.dictionaries(names.map("EDGE_LPR__{}".format), values, max_size=2)


def load_and_check(path: Path, content: bytes, environ: dict[str, str]) -> str:
    """Loads the file and returns "settings" or "refused". Fails unless an error is a ConfigError with short lines."""
    path.write_bytes(content)
    try:
        load_settings(path, environ)
    except ConfigError as error:
        lines = error.faults or (str(error),)
        assert all(line and len(line.splitlines()) == 1 and len(line) < LONGEST_LINE for line in lines), lines
        return "refused"
    return "settings"


def _tree(entries: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path, value in entries:
        section = tree
        for name in path[:-1]:
            inner = section.setdefault(name, {})
            if not isinstance(inner, dict):
                break
            section = inner
        else:
            section[path[-1]] = value
    return tree
