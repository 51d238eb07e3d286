"""The static files of the page: read once, and served by exact name only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_MARK = re.compile(r"\{\{(\w+)\}\}")
_ENGLISH, _CHINESE = "en", "zh"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file and its media type."""

    content: bytes
    media_type: str


@lru_cache(maxsize=1)
def static_files() -> dict[str, StaticFile]:
    """Returns all files but the HTML pages, by name."""
    return {
        path.name: StaticFile(path.read_bytes(), _TYPES[path.suffix])
        for path in sorted(_FOLDER.iterdir())
        if path.suffix in _TYPES and path.suffix != ".html"
    }


def html(name: str, **values: str) -> bytes:
    """Returns an HTML page with its ``{{marks}}`` replaced. ``values`` must not need HTML escaping."""
    text = (_FOLDER / f"{name}.html").read_text(encoding="utf-8")
    return _MARK.sub(lambda mark: values[mark[1]], text).encode()


def language_of(accepted: str) -> str:
    """Returns ``zh`` or ``en``, as an Accept-Language header prefers. Source: RFC 9110, section 12.5.4."""
    best, best_quality = _ENGLISH, 0.0
    for entry in accepted[:1000].split(","):
        name, _, parameter = entry.strip().partition(";")
        quality_text = parameter.strip().removeprefix("q=")
        quality = float(quality_text) if re.fullmatch(r"[01](\.\d{0,3})?", quality_text) else 1.0
        language = name.strip().lower().partition("-")[0]
        if language in (_ENGLISH, _CHINESE) and quality > best_quality:
            best, best_quality = language, quality
    return best
