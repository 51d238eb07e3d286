"""Writes the names of settings in messages for the user."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

Location = tuple[str | int, ...]
"""Path of a value in the settings: names, and indexes of lists."""

_MAX_LENGTH = 80


def dotted(location: Location) -> str:
    """Returns a location as ``mqtt.tls.ca_file`` or ``passage.lane[2]``."""
    text = ""
    for part in location:
        name = printable(str(part))
        text += f"[{name}]" if isinstance(part, int) else f".{name}" if text else name
    return text


def printable(text: str) -> str:
    """Returns ``text`` shortened, on one line, and without control characters for a terminal."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text[:_MAX_LENGTH])
    return shown if len(text) <= _MAX_LENGTH else shown + "…"


def suggestion(name: str, valid: Iterable[str]) -> str:
    """Returns ``; did you mean X?`` if one of the valid names is similar, else ""."""
    near = difflib.get_close_matches(name, list(valid), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
