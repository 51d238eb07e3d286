"""Where a plate is, how it moves, and whether a plate in the next frame can be the same one.

Distances are in plate widths, so that one set of limits holds near and far.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_lpr.geometry import Quad

NEAR_DISTANCE = 0.75
"""Plate widths: two vehicles' plates are never this close in one frame."""

UNKNOWN_SPEED = 20.0
"""Plate widths a second that a plate seen only once may have: 9 m/s past the camera."""

KNOWN_SPEED_ERROR = 6.0
"""Plate widths a second by which the prediction may be wrong: braking, turning, perspective."""

MAX_SEARCH_RADIUS = 5.0
"""Plate widths."""

SMOOTHING = 0.6
"""The share of the newest velocity."""


@dataclass(frozen=True, slots=True)
class Position:
    """Centre and width of a plate, pixels."""

    x: float
    y: float
    width: float

    @classmethod
    def from_quad(cls, quad: Quad) -> Position:
        """The place of a quad."""
        x, y = quad.center
        return cls(x, y, max(quad.width, 1.0))

    def distance(self, other: Position) -> float:
        """Between the centres, in mean plate widths."""
        return math.hypot(self.x - other.x, self.y - other.y) / ((self.width + other.width) / 2)

    def size_ratio(self, other: Position) -> float:
        """The larger width over the smaller, at least 1.0."""
        return max(self.width, other.width) / min(self.width, other.width)


@dataclass(frozen=True, slots=True)
class Motion:
    """A place at a time (seconds), with a velocity (pixels a second) once the plate was seen twice."""

    position: Position
    time_s: float
    velocity: tuple[float, float] | None = None

    def updated(self, place: Position, time_s: float) -> Motion:
        """The motion after the plate was seen at ``place``."""
        elapsed = time_s - self.time_s
        if elapsed <= 0:
            return Motion(place, self.time_s, self.velocity)
        newest = ((place.x - self.position.x) / elapsed, (place.y - self.position.y) / elapsed)
        if self.velocity is None:
            return Motion(place, time_s, newest)
        smoothed = (
            SMOOTHING * newest[0] + (1 - SMOOTHING) * self.velocity[0],
            SMOOTHING * newest[1] + (1 - SMOOTHING) * self.velocity[1],
        )
        return Motion(place, time_s, smoothed)

    def predict(self, time_s: float) -> Position:
        """Where the plate is at ``time_s`` if its velocity stays the same."""
        if self.velocity is None:
            return self.position
        elapsed = max(time_s - self.time_s, 0.0)
        x, y = self.velocity
        return Position(self.position.x + x * elapsed, self.position.y + y * elapsed, self.position.width)

    def search_radius(self, time_s: float) -> float:
        """How far from the prediction the plate can be at ``time_s``, plate widths."""
        speed = UNKNOWN_SPEED if self.velocity is None else KNOWN_SPEED_ERROR
        return min(NEAR_DISTANCE + speed * max(time_s - self.time_s, 0.0), MAX_SEARCH_RADIUS)

    def fits_size(self, place: Position, time_s: float) -> bool:
        """Whether a plate of ``place``'s width can be this one at ``time_s``."""
        return self.position.size_ratio(place) <= min(1.3 + 2.0 * max(time_s - self.time_s, 0.0), 2.0)
