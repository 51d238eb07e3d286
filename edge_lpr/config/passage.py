"""Settings of what counts as a passage: lane, ignored areas, crossing line, format limits, lists of numbers."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from edge_lpr.config.types import Fraction, Percent, Section
from edge_lpr.plates import KINDS

Point = Annotated[tuple[Fraction, Fraction], Strict(False)]
Points = Annotated[tuple[Point, ...], Strict(False)]
Areas = Annotated[tuple[Points, ...], Strict(False)]
Names = Annotated[tuple[str, ...], Strict(False)]
Side = Literal["down", "up", "left", "right"]


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
