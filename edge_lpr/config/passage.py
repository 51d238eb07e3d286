"""Settings of what counts as a passage: lane, ignored areas, crossing line, format limits, lists of numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, Strict, ValidationInfo, field_validator

from edge_lpr.config.types import Fraction, Percent, Section, from_folder
from edge_lpr.plates import KINDS, is_valid_number

MAX_LIST_BYTES = 16 * 1024 * 1024

Point = Annotated[tuple[Fraction, Fraction], Strict(False)]
Points = Annotated[tuple[Point, ...], Strict(False)]
Areas = Annotated[tuple[Points, ...], Strict(False)]
Names = Annotated[tuple[str, ...], Strict(False)]
Side = Literal["down", "up", "left", "right"]

_SEPARATORS = re.compile(r"[\s·.•-]")


def _is_area(points: tuple[tuple[float, float], ...]) -> bool:
    following = points[1:] + points[:1]
    doubled = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, following, strict=True))
    return len(points) >= 3 and doubled != 0


class PassageSettings(Section):
    """When many frames are one vehicle, and which vehicles count. ``*_s`` in seconds, confidence 0 to 100.

    ``lane`` and each of ``ignore`` are polygons, ``line`` is two points, of (x, y) fractions of the frame's width and
    height; ``line_in`` is the way in the picture that a vehicle takes over the line as it comes in.
    """

    repeat_after_s: float = Field(default=60, ge=0, le=86400)
    lane: Points = ()
    ignore: Areas = ()
    line: Points = ()
    line_in: Side = Field(default="down", validate_default=True)
    pattern: str | None = None
    kinds: Names = ()
    sure_confidence: Percent = 95
    sure_frames: int = Field(default=3, ge=1, le=1000)
    min_frames: int = Field(default=2, ge=1, le=1000)
    max_gap_s: float = Field(default=1.0, gt=0, le=60)

    @field_validator("lane")
    @classmethod
    def _polygon(cls, value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if value and not _is_area(value):
            raise ValueError("three points [x, y] or more around an area, each from 0 to 1; [] for the whole frame")
        return value

    @field_validator("ignore")
    @classmethod
    def _polygons(
        cls, value: tuple[tuple[tuple[float, float], ...], ...]
    ) -> tuple[tuple[tuple[float, float], ...], ...]:
        if not all(_is_area(area) for area in value):
            raise ValueError("a list of areas, each three points [x, y] or more around it, from 0 to 1")
        return value

    @field_validator("line")
    @classmethod
    def _two_points(cls, value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if value and (len(value) != 2 or value[0] == value[1]):
            raise ValueError("two different points [x, y], each from 0 to 1, where the line ends; [] for no line")
        return value

    @field_validator("line_in")
    @classmethod
    def _across(cls, value: Side, info: ValidationInfo) -> Side:
        if line := info.data.get("line"):
            (ax, ay), (bx, by) = line
            is_along = ax == bx if value in ("down", "up") else ay == by
            if is_along:
                raise ValueError(
                    "a way across passage.line: down or up for a level line, left or right for an upright one"
                )
        return value

    @field_validator("pattern")
    @classmethod
    def _expression(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"a regular expression for the whole number, or null ({error})") from error
        return value

    @field_validator("kinds")
    @classmethod
    def _known_kinds(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = [kind.name for kind in KINDS]
        if unknown := [name for name in value if name not in known]:
            raise ValueError(f"a list of {', '.join(map(repr, known))}; not {', '.join(map(repr, unknown))}")
        return value


def plain_number(text: str) -> str:
    """A number as people write it (``京A·F0236``, ``京 af0236``) in the form that the reader gives."""
    return _SEPARATORS.sub("", text).upper()


def _numbers(value: object, info: ValidationInfo) -> object:
    """The numbers of a list that stands in the settings, or in the file that they name."""
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
        number = plain_number(text)
        if not number:
            continue
        if not is_valid_number(number):
            raise ValueError(f"plate numbers, one a line, such as 京A12345; {place}: {text.strip()!r} is none")
        numbers[number] = None
    return tuple(numbers)


Numbers = Annotated[tuple[str, ...], BeforeValidator(_numbers)]


class ListSettings(Section):
    """Lists of numbers that a passage is compared with. In the settings each may name a file instead."""

    known: Numbers = ()
    blocked: Numbers = ()
