"""Settings of the section ``passage``."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, Strict, ValidationInfo, field_validator

from edge_lpr.config.types import Fraction, Percent, Seconds, Section, Unit
from edge_lpr.plates import KINDS

Point = Annotated[tuple[Fraction, Fraction], Strict(False)]
Points = Annotated[tuple[Point, ...], Strict(False)]
Areas = Annotated[tuple[Points, ...], Strict(False)]
Names = Annotated[tuple[str, ...], Strict(False)]
Side = Literal["down", "up", "left", "right"]


MAX_POINTS = 64
"""The most points of an area."""

MAX_AREAS = 32
"""The most ignored areas. Each plate of each frame is compared with all of them."""


def _is_area(points: tuple[tuple[float, float], ...]) -> bool:
    following = points[1:] + points[:1]
    doubled = sum(ax * by - bx * ay for (ax, ay), (bx, by) in zip(points, following, strict=True))
    return len(points) >= 3 and doubled != 0


class PassageSettings(Section):
    """When many frames are one passage, and which passages are published."""

    repeat_after_s: Seconds = Field(default=60, ge=0, le=86400)
    """A vehicle must be out of sight for this time before it counts as a new passage."""

    lane: Points = ()
    """Polygon of the watched lane: three or more points [x, y], as fractions of the frame's width and height, such as
    ``[[0, 0.3], [1, 0.3], [1, 1], [0, 1]]``. ``[]``: the whole frame."""

    ignore: Areas = ()
    """Areas of the frame where plates are ignored, such as a sign or a street behind the gate. Each is a polygon like
    ``lane``, such as ``[[[0, 0], [0.3, 0], [0.3, 0.2], [0, 0.2]]]``."""

    line: Points = ()
    """Two points [x, y], such as ``[[0, 0.6], [1, 0.6]]``. A passage is then a plate that crosses the line between
    them. Each crossing makes one passage, with Event.Crossing in or out. ``[]``: no line. Not with
    ``camera.type: photos``."""

    line_in: Side = Field(default="down", validate_default=True)
    """Direction in the picture in which an incoming vehicle crosses the line."""

    pattern: str | None = None
    """Regular expression for the whole number, such as ``"[粤京].*"``. Other numbers are not published. ``null``: all
    are."""

    kinds: Names = ()
    """Kinds of plates that are published, by their names in edge_lpr/plates.py, such as
    ``[small car, small new-energy car]``. ``[]``: all kinds."""

    sure_confidence: Percent = 95
    """A passage whose vote reaches this confidence is published at once."""

    sure_frames: Annotated[int, Unit("frames")] = Field(default=3, ge=1, le=1000)
    """Number of frames that must have voted before a passage is published at once."""

    min_frames: Annotated[int, Unit("frames")] = Field(default=2, ge=1, le=1000)
    """Smallest number of frames that must have voted for a passage when the vehicle has left. Photos with
    ``camera.hold: 1`` need 1 here."""

    max_gap_s: Seconds = Field(default=1.0, gt=0, le=60)
    """A plate may be out of sight for this time and still belongs to the same vehicle."""

    @field_validator("lane")
    @classmethod
    def _polygon(cls, value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if len(value) > MAX_POINTS:
            raise ValueError(f"at most {MAX_POINTS} points")
        if value and not _is_area(value):
            raise ValueError("three points [x, y] or more around an area, each from 0 to 1; [] for the whole frame")
        return value

    @field_validator("ignore")
    @classmethod
    def _polygons(
        cls, value: tuple[tuple[tuple[float, float], ...], ...]
    ) -> tuple[tuple[tuple[float, float], ...], ...]:
        if len(value) > MAX_AREAS or any(len(area) > MAX_POINTS for area in value):
            raise ValueError(f"at most {MAX_AREAS} areas, each of at most {MAX_POINTS} points")
        if not all(_is_area(area) for area in value):
            raise ValueError("a list of areas, each three points [x, y] or more, from 0 to 1")
        return value

    @field_validator("line")
    @classmethod
    def _two_points(cls, value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if value and (len(value) != 2 or value[0] == value[1]):
            raise ValueError("two different points [x, y], each from 0 to 1, the ends of the line; [] for no line")
        return value

    @field_validator("line_in")
    @classmethod
    def _across(cls, value: Side, info: ValidationInfo) -> Side:
        if line := info.data.get("line"):
            (ax, ay), (bx, by) = line
            is_along = ax == bx if value in ("down", "up") else ay == by
            if is_along:
                raise ValueError(
                    "a direction across passage.line: down or up for a horizontal line,"
                    " left or right for a vertical line"
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
