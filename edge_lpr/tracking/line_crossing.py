"""Detects plates that cross a line across the lane, inward or outward.

A plate is on a side of the line when its centre is at least ``CLEAR_DISTANCE`` plate widths away from the line.
Therefore a plate that stands on the line and jitters does not cross it. A crossing counts when the plate changes sides
and its straight path passes between the line's end points.

A plate can be hidden while it crosses: by the barrier arm, a pillar or a pedestrian. If it reappears within
``HIDDEN_S`` seconds with the same number, its path continues from its last position, with one exception: a vehicle
that was moving in the opposite direction when it was lost did not cross. This covers trucks with the same number on
bumper and tail: the tail becomes visible behind the position of the bumper, but the truck did not reverse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_lpr.config import PassageSettings
from edge_lpr.frames import Frame
from edge_lpr.passages import Crossing
from edge_lpr.tracking.motion import Motion, Position
from edge_lpr.tracking.track import Track

CLEAR_DISTANCE = 0.25
"""Distance from the line, in plate widths, from which a plate is on one side.

The jitter of the detector is a tenth of this, and a moving car covers this distance at once.
"""

HIDDEN_S = 5.0
"""Longest time that a plate can be hidden, in seconds. After a longer time the vehicle may have taken another path."""

REVERSE_SPEED = 0.5
"""Speed in the opposite direction, in plate widths per second, from which a lost vehicle did not cross."""

_DIRECTIONS = {"down": (0.0, 1.0), "up": (0.0, -1.0), "left": (-1.0, 0.0), "right": (1.0, 0.0)}

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """A line from ``start`` to ``end``, in pixels. ``normal`` is the unit vector across it that points inward."""

    start: _Point
    end: _Point
    normal: _Point

    @classmethod
    def from_fractions(cls, points: Sequence[_Point], inward: str, frame: Frame) -> Line:
        """Returns the line through two points, given in fractions of the frame.

        ``inward`` is the direction of an inward crossing in the picture: down, up, left or right.
        """
        (ax, ay), (bx, by) = ((x * frame.width, y * frame.height) for x, y in points)
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        nx, ny = (ay - by) / length, (bx - ax) / length
        dx, dy = _DIRECTIONS[inward]
        sign = 1.0 if nx * dx + ny * dy > 0 else -1.0
        return cls((ax, ay), (bx, by), (nx * sign, ny * sign))

    def side(self, position: Position) -> Crossing | None:
        """Returns IN or OUT for the side of the line; None if the position is too close to the line."""
        distance = self._signed_distance(position)
        if abs(distance) < CLEAR_DISTANCE * position.width:
            return None
        return Crossing.IN if distance > 0 else Crossing.OUT

    def crossed(self, before: Position, after: Position) -> Crossing | None:
        """Returns how the straight path between two positions crosses the line; None if it does not."""
        side = self.side(after)
        if side is None or self.side(before) in (None, side):
            return None
        distance_before, distance_after = self._signed_distance(before), self._signed_distance(after)
        share = distance_before / (distance_before - distance_after)
        x, y = before.x + share * (after.x - before.x), before.y + share * (after.y - before.y)
        (ax, ay), (bx, by) = self.start, self.end
        along = (x - ax) * (bx - ax) + (y - ay) * (by - ay)
        return side if 0 <= along <= (bx - ax) ** 2 + (by - ay) ** 2 else None

    def speed(self, motion: Motion, crossing: Crossing) -> float:
        """Returns the speed across the line in the direction of ``crossing``, in plate widths per second."""
        vx, vy = motion.velocity or (0.0, 0.0)
        inward = (vx * self.normal[0] + vy * self.normal[1]) / motion.position.width
        return inward if crossing is Crossing.IN else -inward

    def _signed_distance(self, position: Position) -> float:
        """Returns the distance from the line in pixels, positive on the inward side."""
        return (position.x - self.start[0]) * self.normal[0] + (position.y - self.start[1]) * self.normal[1]


@dataclass(slots=True)
class _Path:
    """First and last position of a track that were clear of the line.

    ``is_joined``: the path of the same plate before it was hidden was already taken into account.
    """

    first: Position
    last: Position
    is_joined: bool = False


@dataclass(slots=True)
class LineCrossingDetector:
    """Adds each crossing to the track that made it. Without a line each vehicle makes one crossing, which is None."""

    settings: PassageSettings
    _paths: dict[Track, _Path] = field(default_factory=dict)
    _lost: dict[str, tuple[Position, Motion]] = field(default_factory=dict)

    def apply_settings(self, settings: PassageSettings, tracks: Sequence[Track]) -> None:
        """Applies changed settings.

        If the line is removed, the visible plates that are not published yet count without a crossing.
        """
        if self.settings.line and not settings.line:
            for track in tracks:
                if not track.published_number and not track.pending_crossings:
                    track.pending_crossings.append(None)
        if (settings.line, settings.line_in) != (self.settings.line, self.settings.line_in):
            self._paths.clear()
            self._lost.clear()
        self.settings = settings

    def update(self, track: Track, frame: Frame) -> None:
        """Adds the track's newest position, which was found in ``frame``."""
        if not self.settings.line:
            if track.frames == 1:
                track.pending_crossings.append(None)
            return
        line = Line.from_fractions(self.settings.line, self.settings.line_in, frame)
        position = track.motion.position
        if line.side(position) is None:
            return
        path = self._paths.get(track)
        if path is None:
            path = self._paths[track] = _Path(position, position)
        elif crossing := line.crossed(path.last, position):
            track.pending_crossings.append(crossing)
        path.last = position
        self._join_hidden_path(track, path, line)

    def end_tracks(self, tracks: Sequence[Track]) -> None:
        """Removes ended tracks. Their last clear positions are kept for ``HIDDEN_S`` seconds."""
        for track in tracks:
            path = self._paths.pop(track, None)
            if path is not None and track.number is not None:
                self._lost[track.number] = (path.last, track.motion)
        if tracks:
            oldest_s = max(track.last_seen_s for track in tracks) - HIDDEN_S
            self._lost = {number: lost for number, lost in self._lost.items() if lost[1].time_s >= oldest_s}

    def _join_hidden_path(self, track: Track, path: _Path, line: Line) -> None:
        """Adds a crossing that was made while the plate was hidden, as soon as the track has the lost number."""
        if path.is_joined or track.number not in self._lost:
            return
        position, motion = self._lost[track.number]
        if not 0 < track.first_seen_s - motion.time_s <= HIDDEN_S:
            return
        path.is_joined = True
        del self._lost[track.number]
        crossing = line.crossed(position, path.first)
        if crossing is not None and line.speed(motion, crossing) > -REVERSE_SPEED:
            track.pending_crossings.insert(0, crossing)
