"""README.zh-CN.md says what README.md says: section by section the same commands, tables, settings, figures and links.

The words are for people to compare. Whoever changes one file changes the same place in the other, and this says where.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

_LANGUAGES = {"README.md", "README.zh-CN.md"}


@dataclass(frozen=True)
class Part:
    """One section: its title, its lines of code, its table rows and its prose."""

    title: str
    level: int
    code: tuple[str, ...]
    rows: tuple[str, ...]
    prose: str


def parts(path: Path) -> list[Part]:
    """The sections in their order."""
    text = path.read_text(encoding="utf-8")
    heads = list(re.finditer(r"^(#+) (.*)$", text, re.MULTILINE))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    return [_part(head[2], len(head[1]), text[head.end() : end]) for head, end in zip(heads, ends, strict=True)]


def _part(title: str, level: int, body: str) -> Part:
    lines = body.splitlines()
    code = [line for line in lines if line.startswith("    ")]
    rows = [line for line in lines if line.startswith("|")]
    prose = " ".join(line.strip() for line in lines if line not in code and line not in rows)
    # What stands behind a command, set off by two spaces or #, is a remark.
    return Part(title, level, tuple(re.split(r" {2,}| #", line.strip())[0] for line in code), tuple(rows), prose)


def spans(text: str) -> list[str]:
    """The names and values in code style."""
    return sorted(re.findall(r"`([^`]+)`", text))


def links(text: str) -> list[str]:
    """Where the links lead; headings have names in their own language."""
    return sorted(link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if link not in _LANGUAGES)


def figures(text: str) -> list[str]:
    """The numbers in the words."""
    return sorted(re.findall(r"\d+(?:[.,-]\d+)*", re.sub(r"`[^`]+`|\]\([^)]+\)", "", text)))


PAIRS = list(zip(*(parts(Path(__file__).parents[2] / name) for name in sorted(_LANGUAGES)), strict=False))


def test_the_headings_are_as_many(repo_root: Path) -> None:
    english, chinese = (parts(repo_root / name) for name in sorted(_LANGUAGES))
    assert [part.level for part in english] == [part.level for part in chinese]


@pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=[english.title for english, _ in PAIRS])
def test_a_section_says_the_same(english: Part, chinese: Part) -> None:
    assert english.code == chinese.code
    for look in (spans, links, figures):
        assert [look(row) for row in english.rows] == [look(row) for row in chinese.rows]
        assert look(english.prose) == look(chinese.prose), f"{look.__name__} differ from {chinese.title}"


@pytest.mark.parametrize("name", sorted(_LANGUAGES))
def test_its_own_anchors_exist(repo_root: Path, name: str) -> None:
    text = (repo_root / name).read_text(encoding="utf-8")
    titles = {re.sub(r"[^\w -]", "", part.title.lower()).replace(" ", "-") for part in parts(repo_root / name)}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= titles
