"""Detects plates that cross a line across the lane, inward or outward.

A plate is on a side of the line when its centre is at least ``CLEAR_DISTANCE`` plate widths away from the line.
Therefore a plate that stands on the line and jitters does not cross it. A crossing counts when the plate changes sides
and its straight path passes between the line's end points.

A plate can be hidden while it crosses: by the barrier arm, a pillar or a pedestrian. If it reappears within
``HIDDEN_S`` seconds with the same number, its path continues from its last position, with one exception: a vehicle
that was moving in the opposite direction when it was lost did not cross. The exception covers trucks whose number
stands on the tail as well: the tail appears behind the bumper, but the truck did not reverse.
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
"""Plate widths from the line; a detector's jitter is a tenth of this, and a car moves so far in no time."""

HIDDEN_S = 5.0
"""Seconds; longer out of sight, and a vehicle may have gone another way."""

REVERSE_SPEED = 0.5
"""Plate widths a second that a vehicle must have had the other way."""

_WAYS = {"down": (0.0, 1.0), "up": (0.0, -1.0), "left": (-1.0, 0.0), "right": (1.0, 0.0)}

_Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """From ``start`` to ``end``, pixels; ``normal`` is the unit vector across it, inward."""

    start: _Point
    end: _Point
    normal: _Point

    @classmethod
    def from_fractions(cls, points: Sequence[_Point], way_in: str, frame: Frame) -> Line:
        """The line of two points, fractions of the frame, that is crossed ``way_in`` (down, up, left or right)."""
        (ax, ay), (bx, by) = ((x * frame.width, y * frame.height) for x, y in points)
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        nx, ny = (ay - by) / length, (bx - ax) / length
        wx, wy = _WAYS[way_in]
        inward = 1.0 if nx * wx + ny * wy > 0 else -1.0
        return cls((ax, ay), (bx, by), (nx * inward, ny * inward))

    def side(self, place: Position) -> Crossing | None:
        """IN or OUT for a place clear of the line on that side; None for one that is not."""
        away = self._away(place)
        if abs(away) < CLEAR_DISTANCE * place.width:
            return None
        return Crossing.IN if away > 0 else Crossing.OUT

    def crossed(self, before: Position, after: Position) -> Crossing | None:
        """How the straight way between two places crosses the line, if it does."""
        side = self.side(after)
        if side is None or self.side(before) in (None, side):
            return None
        there, here = self._away(before), self._away(after)
        share = there / (there - here)
        x, y = before.x + share * (after.x - before.x), before.y + share * (after.y - before.y)
        (ax, ay), (bx, by) = self.start, self.end
        along = (x - ax) * (bx - ax) + (y - ay) * (by - ay)
        return side if 0 <= along <= (bx - ax) ** 2 + (by - ay) ** 2 else None

    def speed(self, motion: Motion, crossing: Crossing) -> float:
        """How fast a plate moves that way over the line, plate widths a second."""
        vx, vy = motion.velocity or (0.0, 0.0)
        inward = (vx * self.normal[0] + vy * self.normal[1]) / motion.position.width
        return inward if crossing is Crossing.IN else -inward

    def _away(self, place: Position) -> float:
        """Pixels from the line, inward positive."""
        return (place.x - self.start[0]) * self.normal[0] + (place.y - self.start[1]) * self.normal[1]


@dataclass(slots=True)
class _Path:
    """Where a plate was clear of the line: first, and last. ``joined``: its way before it was hidden is known."""

    first: Position
    last: Position
    joined: bool = False


@dataclass(slots=True)
class LineCrossingDetector:
    """Notes on each track which crossings it has made. Without a line each vehicle makes one that has no way."""

    settings: PassageSettings
    _paths: dict[Track, _Path] = field(default_factory=dict)
    _lost: dict[str, tuple[Position, Motion]] = field(default_factory=dict)

    def apply_settings(self, settings: PassageSettings, tracks: Sequence[Track]) -> None:
        """Go on with another line, or none: who is in sight and undecided then counts without crossing anything."""
        if self.settings.line and not settings.line:
            for track in tracks:
                if not track.published_number and not track.pending_crossings:
                    track.pending_crossings.append(None)
        if (settings.line, settings.line_in) != (self.settings.line, self.settings.line_in):
            self._paths.clear()
            self._lost.clear()
        self.settings = settings

    def update(self, track: Track, frame: Frame) -> None:
        """Take the track's newest place into account."""
        if not self.settings.line:
            if track.frames == 1:
                track.pending_crossings.append(None)
            return
        line = Line.from_fractions(self.settings.line, self.settings.line_in, frame)
        place = track.motion.position
        if line.side(place) is None:
            return
        path = self._paths.get(track)
        if path is None:
            path = self._paths[track] = _Path(place, place)
        elif crossing := line.crossed(path.last, place):
            track.pending_crossings.append(crossing)
        path.last = place
        self._join(track, path, line)

    def end_tracks(self, tracks: Sequence[Track]) -> None:
        """These tracks have ended; where each was clear of the line last is kept for a while."""
        for track in tracks:
            path = self._paths.pop(track, None)
            if path is not None and track.number is not None:
                self._lost[track.number] = (path.last, track.motion)
        if tracks:
            oldest = max(track.last_seen_s for track in tracks) - HIDDEN_S
            self._lost = {number: lost for number, lost in self._lost.items() if lost[1].time_s >= oldest}

    def _join(self, track: Track, path: _Path, line: Line) -> None:
        """Notice a crossing that was made out of sight, once the track's number tells whose it is."""
        if path.joined or track.number not in self._lost:
            return
        place, motion = self._lost[track.number]
        if not 0 < track.first_seen_s - motion.time_s <= HIDDEN_S:
            return
        path.joined = True
        del self._lost[track.number]
        crossing = line.crossed(place, path.first)
        if crossing is not None and line.speed(motion, crossing) > -REVERSE_SPEED:
            track.pending_crossings.insert(0, crossing)
