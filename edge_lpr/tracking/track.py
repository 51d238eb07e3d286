"""One plate, followed through frames."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta

from edge_lpr.frames import Frame
from edge_lpr.geometry import Rect
from edge_lpr.passages import Crossing, Direction, Passage, Picture
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.motion import Motion, Position
from edge_lpr.tracking.vote import Vote, VoteResult, reading_quality

VIEW_DISTANCE = 0.5
"""Plate widths to move before frames count as another view."""

VIEW_SIZE_RATIO = 1.15
"""The same for the plate's size."""

DIRECTION_RATIO = 1.1
"""How much a plate must grow or shrink to tell the direction."""

MAX_NUMBERS = 64
"""Different readings remembered; a plate that stands for days in the rain is misread in many ways."""


@dataclass(slots=True)
class _Sightings:
    """The frames read as one number, and the best of them."""

    frames: int
    quality: float
    rect: Rect
    captured_at: datetime


class Track:
    """One plate: where it is, what the vote says, and what was decided about it.

    ``decided`` is the number under which the vehicle was published, by this track or an earlier one; None while that is
    open. ``disputed``: it is known that the vote reads another number than that. ``pending``: the passages that are not
    decided about yet, each by the way it crossed the line, None where there is none. ``serial`` tells tracks apart.
    """

    _ids = itertools.count(1)

    def __init__(self, frame: Frame, reading: PlateReading) -> None:
        self.id = next(self._ids)
        self.source = frame.source
        self.first_seen_s = frame.monotonic_s
        self.first_position = Position.from_quad(reading.quad)
        self.motion = Motion(self.first_position, frame.monotonic_s)
        self.frames = 0
        self.vote_result: VoteResult | None = None
        self.published_number: str | None = None
        self.is_contradicted = False
        self.pending_crossings: list[Crossing | None] = []
        self._first_seen_at = frame.captured_at
        self._vote = Vote()
        self._sightings: dict[str, _Sightings] = {}
        self._picture: Picture | None = None
        self._pictured = ("", 0.0)
        """The number and quality of ``_picture``: of all frames one is held, however many numbers were read."""
        self._view = self.first_position
        self._unchanged_since_s = frame.monotonic_s
        self.add(frame, reading)

    def add(self, frame: Frame, reading: PlateReading) -> None:
        """Take the plate's reading in one more frame."""
        place = Position.from_quad(reading.quad)
        self.motion = self.motion.updated(place, frame.monotonic_s)
        self.frames += 1
        new_view = place.distance(self._view) > VIEW_DISTANCE or place.size_ratio(self._view) > VIEW_SIZE_RATIO
        self._vote.add(reading, new_view=new_view)
        self._count(frame, reading)
        number, self.vote_result = self.number, self._vote.result()
        self._keep_picture(frame, reading)
        if new_view:
            self._view = place
        if new_view or self.number != number:
            self._unchanged_since_s = frame.monotonic_s

    def shift_clock(self, by: timedelta) -> None:
        """Move the stamps of what was seen so far: the wall clock was set by so much."""
        self._first_seen_at += by
        for sightings in self._sightings.values():
            sightings.captured_at += by

    @property
    def number(self) -> str | None:
        """The number that leads the vote."""
        return self.vote_result.number if self.vote_result else None

    @property
    def agreeing_frames(self) -> int:
        """Frames that were read as the leading number."""
        sightings = self._sightings.get(self.number) if self.number else None
        return sightings.frames if sightings else 0

    @property
    def last_seen_s(self) -> float:
        """When the plate was last found, on the frames' clock."""
        return self.motion.time_s

    @property
    def unchanged_s(self) -> float:
        """For how many seconds the plate has stood and the same number has led: nothing new will come."""
        return self.last_seen_s - self._unchanged_since_s

    def passage(self, verdict: VoteResult, crossing: Crossing | None) -> Passage:
        """The passage of ``verdict``, whose number at least one frame must have been read as."""
        best = self._sightings[verdict.number]
        return Passage(
            number=verdict.number,
            confidence=verdict.confidence,
            color=verdict.color,
            category=verdict.category,
            rows=verdict.rows,
            rect=best.rect,
            first_seen_at=self._first_seen_at,
            captured_at=best.captured_at,
            frames=self.frames,
            direction=self._direction(),
            crossing=crossing,
            picture=self._picture if self._pictured[0] == verdict.number else None,
        )

    def _direction(self) -> Direction:
        growth = self.motion.position.width / self.first_position.width
        if growth > DIRECTION_RATIO:
            return Direction.APPROACHING
        return Direction.LEAVING if growth < 1 / DIRECTION_RATIO else Direction.UNKNOWN

    def _keep_picture(self, frame: Frame, reading: PlateReading) -> None:
        """Hold the best frame that was read as the number that leads the vote."""
        number, quality = self._pictured
        if reading.number == self.number and (reading.number != number or reading_quality(reading) > quality):
            self._picture = Picture(frame.image, reading.rect)
            self._pictured = (reading.number, reading_quality(reading))

    def _count(self, frame: Frame, reading: PlateReading) -> None:
        quality = reading_quality(reading)
        sightings = self._sightings.get(reading.number)
        if sightings is None:
            if len(self._sightings) >= MAX_NUMBERS:
                del self._sightings[min(self._sightings, key=lambda number: self._sightings[number].frames)]
            self._sightings[reading.number] = _Sightings(1, quality, reading.rect, frame.captured_at)
            return
        sightings.frames += 1
        if quality > sightings.quality:
            sightings.quality, sightings.rect, sightings.captured_at = quality, reading.rect, frame.captured_at
