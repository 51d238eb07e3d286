"""What a person would call "that car came in"."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Rect
from edge_lpr.plates import Category, Color


class Direction(StrEnum):
    """Which way the vehicle went as far as the plate's size tells: a growing plate approaches."""

    APPROACHING = "approaching"
    LEAVING = "leaving"
    UNKNOWN = "unknown"


class Crossing(StrEnum):
    """Which way the vehicle went over the line that the settings draw."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class ListMatch:
    """``number`` stands on the list called ``list_name``; ``distance`` 0: exactly, 1: one character off."""

    list_name: str
    number: str
    distance: int


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The best frame that was read as the passage's number, uint8 of shape (H, W, 3), BGR, and where the plate is."""

    image: NDArray[np.uint8]
    rect: Rect


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the kept pictures are: paths below the evidence folder, or addresses where the settings give one."""

    crop: str
    frame: str | None


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle's passage.

    ``number`` is a valid plate number. ``confidence`` is an integer 0-100: of passages at 90, nine in ten are right.
    ``rows`` is 1 or 2. ``rect`` (pixels of the original frame) and ``captured_at`` belong to the best frame that was
    read as ``number``; ``first_seen_at`` is when the plate was first found. Both times are aware of their offset.
    ``frames`` counts the frames in which the plate was found until the passage was published. ``crossing`` is None
    where no line is drawn. ``matches`` are the listed numbers that ``number`` is or is one character off; ``picture``
    is of the best frame since ``number`` led the vote, ``evidence`` where it was kept.
    """

    number: str
    confidence: int
    color: Color
    category: Category
    rows: int
    rect: Rect
    first_seen_at: datetime
    captured_at: datetime
    frames: int
    direction: Direction
    crossing: Crossing | None = None
    matches: tuple[ListMatch, ...] = ()
    picture: Picture | None = field(default=None, compare=False, repr=False)
    evidence: Evidence | None = None
