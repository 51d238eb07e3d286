"""Markdown files of the repository: prose without code, links, anchors of headings, lines of code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_SKIPPED = {"build", "cache", "dist", "node_modules"}
_FENCE = re.compile(r"^```.*?^```\n", re.MULTILINE | re.DOTALL)


def documents(root: Path = ROOT) -> list[Path]:
    """Returns the Markdown files of the checkout, without those of environments, caches and builds."""
    found = (path for path in root.rglob("*.md") if not _is_skipped(path.relative_to(root)))
    return sorted(found)


def _is_skipped(path: Path) -> bool:
    return any(part in _SKIPPED or part.startswith(".") or part.endswith(".egg-info") for part in path.parts)


def prose(text: str) -> str:
    """Returns ``text`` without fenced and indented code blocks."""
    lines = _FENCE.sub("\n", text).split("\n")
    return "\n".join(line for line in lines if not line.startswith("    "))


def links(text: str) -> list[str]:
    """Returns the targets of the links and pictures in the prose, without code in backticks."""
    return re.findall(r"\[[^]]*\]\(([^)\s]+)\)", re.sub(r"`[^`\n]+`", "", prose(text)))


def headings(text: str) -> list[str]:
    """Returns the titles of the headings in their order."""
    return re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Returns the anchors that GitHub gives the headings: a repeated title gets -1, -2."""
    seen: Counter[str] = Counter()
    found: set[str] = set()
    for title in headings(text):
        anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return found


def code_lines(text: str) -> list[str]:
    """Returns the lines of all code blocks, without their indentation."""
    fenced = "".join(_FENCE.findall(text)).splitlines()
    indented = [line for line in _FENCE.sub("\n", text).splitlines() if line.startswith("    ")]
    return [line.strip() for line in [*fenced, *indented]]
