"""A passage: one vehicle that passed the camera. Passages are the product's output."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Rect
from edge_lpr.plates import Category, Color


class Direction(StrEnum):
    """Direction of travel, estimated from the size of the plate: a growing plate approaches."""

    APPROACHING = "approaching"
    LEAVING = "leaving"
    UNKNOWN = "unknown"


class Crossing(StrEnum):
    """Direction in which the vehicle crossed the line that the settings define."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class ListMatch:
    """``number`` is on the list ``list_name``. ``distance`` is 0 for an exact match, 1 for one character off."""

    list_name: str
    number: str
    distance: int


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """The best frame in which the passage's number was read.

    ``image`` is uint8 of shape (H, W, 3), BGR. ``rect`` is the position of the plate.
    """

    image: NDArray[np.uint8]
    rect: Rect


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where the stored pictures are: paths below the evidence folder, or URLs if the settings give a base URL."""

    crop: str
    frame: str | None


@dataclass(frozen=True, slots=True)
class Passage:
    """One vehicle's passage.

    Attributes:
        number: A valid plate number.
        confidence: Integer 0-100: of the passages at 90, nine in ten are right.
        color: Colour of the plate.
        category: Category of the plate, as the API reports it.
        rows: 1 or 2.
        rect: Position of the plate in the best frame in which ``number`` was read, in pixels of that frame.
        first_seen_at: When the plate was first found, with its UTC offset.
        captured_at: When the best frame was captured, with its UTC offset.
        frames: In how many frames the plate was found before the passage was published.
        direction: Direction of travel.
        crossing: Direction in which the line was crossed; None if the settings define no line.
        matches: Numbers on the watchlists that are ``number`` or one character off.
        picture: The best frame since ``number`` led the vote.
        evidence: Where the pictures are stored; None if none were stored.
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
