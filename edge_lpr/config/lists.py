"""Settings of the section ``lists``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from edge_lpr.config.types import Section, from_folder
from edge_lpr.plates import is_valid_number

MAX_LIST_BYTES = 16 * 1024 * 1024

_SEPARATORS = re.compile(r"[\s·.•-]")


def normalized_number(text: str) -> str:
    """Returns a number as people write it (``京A·F0236``, ``京 af0236``) in the form of a reading (``京AF0236``)."""
    return _SEPARATORS.sub("", text).upper()


def _numbers(value: object, info: ValidationInfo) -> object:
    """Returns the numbers of a list in the settings, or of the file that the settings name."""
    if isinstance(value, str) and value:
        path = from_folder(value, info)
        return _checked([(f"{path}:{i}", line.split("#")[0]) for i, line in enumerate(_lines(path), start=1)])
    if isinstance(value, list | tuple):
        return _checked([(f"entry {i}", str(entry)) for i, entry in enumerate(value, start=1)])
    return value


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_LIST_BYTES + 1)
        if len(raw) > MAX_LIST_BYTES:
            raise ValueError(f"a file of at most {MAX_LIST_BYTES:,} bytes; {path} is larger")
        return raw.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"a list of numbers, or a file that can be read; {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"a file in UTF-8; {path} is not (byte {error.start})") from error


def _checked(entries: list[tuple[str, str]]) -> tuple[str, ...]:
    numbers: dict[str, None] = {}
    for place, text in entries:
        number = normalized_number(text)
        if not number:
            continue
        if not is_valid_number(number):
            raise ValueError(
                f"plate numbers, one per line, such as 京A12345; {place}: {text.strip()!r} is not a plate number"
            )
        numbers[number] = None
    return tuple(numbers)


Numbers = Annotated[tuple[str, ...], BeforeValidator(_numbers)]


class ListSettings(Section):
    """Numbers that passages are compared with.

    Event.Matches names the list of an equal number, and of a number that differs in one character. The passage's own
    number does not change. A list is given here or in a text file with one number per line; # starts a comment.
    """

    known: Numbers = ()
    """Numbers of known vehicles, such as ``[京A12345, 粤B·D12345]``, or a file such as ``known.txt``."""

    blocked: Numbers = ()
    """Numbers of blocked vehicles, or a file such as ``blocked.txt``."""
