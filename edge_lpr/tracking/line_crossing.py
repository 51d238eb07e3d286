"""A line across the lane, and the plates that cross it: in or out.

A plate is on a side of the line once its centre is ``CLEAR`` plate widths away from it, so one that stands on the line
and trembles crosses nothing. It crosses when its way from one side to the other leads between the line's ends. A plate
that was out of sight for up to ``HIDDEN_S`` (behind the barrier's arm, a pillar, a pedestrian) goes on from where it
was lost, if it is read as the same number and did not drive the other way when it was lost: the number on a truck's
tail comes into sight behind the one on its bumper, and has not gone back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edge_lpr.config import PassageSettings
from edge_lpr.frames import Frame
from edge_lpr.passages import Crossing
from edge_lpr.tracking.motion import Motion, Place
from edge_lpr.tracking.track import Track

CLEAR = 0.25
"""Plate widths from the line; a detector's jitter is a tenth of this, and a car moves so far in no time."""

HIDDEN_S = 5.0
"""Seconds; longer out of sight, and a vehicle may have gone another way."""

TURNED = 0.5
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
    def of(cls, points: Sequence[_Point], way_in: str, frame: Frame) -> Line:
        """The line of two points, fractions of the frame, that is crossed ``way_in`` (down, up, left or right)."""
        (ax, ay), (bx, by) = ((x * frame.width, y * frame.height) for x, y in points)
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        nx, ny = (ay - by) / length, (bx - ax) / length
        wx, wy = _WAYS[way_in]
        inward = 1.0 if nx * wx + ny * wy > 0 else -1.0
        return cls((ax, ay), (bx, by), (nx * inward, ny * inward))

    def side(self, place: Place) -> Crossing | None:
        """IN or OUT for a place clear of the line on that side; None for one that is not."""
        away = self._away(place)
        if abs(away) < CLEAR * place.width:
            return None
        return Crossing.IN if away > 0 else Crossing.OUT

    def crossed(self, before: Place, after: Place) -> Crossing | None:
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
        inward = (vx * self.normal[0] + vy * self.normal[1]) / motion.place.width
        return inward if crossing is Crossing.IN else -inward

    def _away(self, place: Place) -> float:
        """Pixels from the line, inward positive."""
        return (place.x - self.start[0]) * self.normal[0] + (place.y - self.start[1]) * self.normal[1]


@dataclass(slots=True)
class _Walk:
    """Where a plate was clear of the line: first, and last. ``joined``: its way before it was hidden is known."""

    first: Place
    last: Place
    joined: bool = False


@dataclass(slots=True)
class CrossingWatch:
    """Notes on each track which crossings it has made. Without a line each vehicle makes one that has no way."""

    settings: PassageSettings
    _walks: dict[Track, _Walk] = field(default_factory=dict)
    _lost: dict[str, tuple[Place, Motion]] = field(default_factory=dict)

    def apply(self, settings: PassageSettings, tracks: Sequence[Track]) -> None:
        """Go on with another line, or none: who is in sight and undecided then counts without crossing anything."""
        if self.settings.line and not settings.line:
            for track in tracks:
                if not track.decided and not track.pending:
                    track.pending.append(None)
        if (settings.line, settings.line_in) != (self.settings.line, self.settings.line_in):
            self._walks.clear()
            self._lost.clear()
        self.settings = settings

    def see(self, track: Track, frame: Frame) -> None:
        """Take the track's newest place into account."""
        if not self.settings.line:
            if track.frames == 1:
                track.pending.append(None)
            return
        line = Line.of(self.settings.line, self.settings.line_in, frame)
        place = track.motion.place
        if line.side(place) is None:
            return
        walk = self._walks.get(track)
        if walk is None:
            walk = self._walks[track] = _Walk(place, place)
        elif crossing := line.crossed(walk.last, place):
            track.pending.append(crossing)
        walk.last = place
        self._join(track, walk, line)

    def lose(self, tracks: Sequence[Track]) -> None:
        """These tracks have ended; where each was clear of the line last is kept for a while."""
        for track in tracks:
            walk = self._walks.pop(track, None)
            if walk is not None and track.number is not None:
                self._lost[track.number] = (walk.last, track.motion)
        if tracks:
            oldest = max(track.last_seen_s for track in tracks) - HIDDEN_S
            self._lost = {number: lost for number, lost in self._lost.items() if lost[1].time_s >= oldest}

    def _join(self, track: Track, walk: _Walk, line: Line) -> None:
        """Notice a crossing that was made out of sight, once the track's number tells whose it is."""
        if walk.joined or track.number not in self._lost:
            return
        place, motion = self._lost[track.number]
        if not 0 < track.first_seen_s - motion.time_s <= HIDDEN_S:
            return
        walk.joined = True
        del self._lost[track.number]
        crossing = line.crossed(place, walk.first)
        if crossing is not None and line.speed(motion, crossing) > -TURNED:
            track.pending.insert(0, crossing)
