"""Position and motion of a plate, and the prediction for the next frame.

Distances are measured in plate widths, so that the same limits hold near the camera and far from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_lpr.geometry import Quad

NEAR_DISTANCE = 0.75
"""Plate widths. The plates of two vehicles are never this close in one frame."""

UNKNOWN_SPEED = 20.0
"""Largest speed of a plate that was seen only once, in plate widths per second: 9 m/s past the camera."""

KNOWN_SPEED_ERROR = 6.0
"""Largest error of a predicted speed, in plate widths per second: braking, turning, perspective."""

MAX_SEARCH_RADIUS = 5.0
"""Plate widths."""

SMOOTHING = 0.6
"""Weight of the newest velocity in the smoothed velocity, 0.0 to 1.0."""


@dataclass(frozen=True, slots=True)
class Position:
    """Centre and width of a plate, in pixels."""

    x: float
    y: float
    width: float

    @classmethod
    def from_quad(cls, quad: Quad) -> Position:
        """Returns the position of the plate with these corners. The width is at least 1.0."""
        x, y = quad.center
        return cls(x, y, max(quad.width, 1.0))

    def distance(self, other: Position) -> float:
        """Returns the distance between the centres, in mean plate widths."""
        return math.hypot(self.x - other.x, self.y - other.y) / ((self.width + other.width) / 2)

    def size_ratio(self, other: Position) -> float:
        """Returns the larger width divided by the smaller one, at least 1.0."""
        return max(self.width, other.width) / min(self.width, other.width)


@dataclass(frozen=True, slots=True)
class Motion:
    """Position at a time (seconds), and the velocity (pixels per second) after two sightings, else None."""

    position: Position
    time_s: float
    velocity: tuple[float, float] | None = None

    def updated(self, position: Position, time_s: float) -> Motion:
        """Returns the motion after a sighting at ``position``."""
        elapsed = time_s - self.time_s
        if elapsed <= 0:
            return Motion(position, self.time_s, self.velocity)
        newest = ((position.x - self.position.x) / elapsed, (position.y - self.position.y) / elapsed)
        if self.velocity is None:
            return Motion(position, time_s, newest)
        smoothed = (
            SMOOTHING * newest[0] + (1 - SMOOTHING) * self.velocity[0],
            SMOOTHING * newest[1] + (1 - SMOOTHING) * self.velocity[1],
        )
        return Motion(position, time_s, smoothed)

    def predict(self, time_s: float) -> Position:
        """Returns the position at ``time_s`` for a constant velocity. Without a velocity it is the last position."""
        if self.velocity is None:
            return self.position
        elapsed = max(time_s - self.time_s, 0.0)
        x, y = self.velocity
        return Position(self.position.x + x * elapsed, self.position.y + y * elapsed, self.position.width)

    def search_radius(self, time_s: float) -> float:
        """Returns how far from the prediction the plate can be at ``time_s``, in plate widths."""
        speed = UNKNOWN_SPEED if self.velocity is None else KNOWN_SPEED_ERROR
        return min(NEAR_DISTANCE + speed * max(time_s - self.time_s, 0.0), MAX_SEARCH_RADIUS)

    def fits_size(self, position: Position, time_s: float) -> bool:
        """Returns whether a plate of this width can be the same plate at ``time_s``."""
        return self.position.size_ratio(position) <= min(1.3 + 2.0 * max(time_s - self.time_s, 0.0), 2.0)
