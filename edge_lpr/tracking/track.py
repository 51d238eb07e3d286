"""A track: one plate, followed over several frames."""

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
"""Movement, in plate widths, from which the frames count as a new view."""

VIEW_SIZE_RATIO = 1.15
"""Change of the plate's width from which the frames count as a new view."""

DIRECTION_RATIO = 1.1
"""Change of the plate's width from which the direction is known."""

MAX_NUMBERS = 64
"""Largest number of different readings that are kept. A plate that is visible for days is misread in many ways."""


@dataclass(slots=True)
class _NumberRecord:
    """The frames that were read as one number: how many, and quality, rectangle and time of the best one."""

    frames: int
    quality: float
    rect: Rect
    captured_at: datetime


class Track:
    """One plate over several frames: its motion, the result of the vote, and the publication state.

    Attributes:
        id: Unique number of the track in this process, from 1.
        source: Source of the frames.
        first_seen_s: Time of the first frame, in seconds on the frames' clock.
        first_position: Position in the first frame.
        motion: Newest position, its time, and the velocity.
        frames: Number of frames in which the plate was found.
        vote_result: Result of the vote; None without a valid number.
        published_number: The number under which the vehicle was published, by this track or an earlier one; None
            before that.
        is_contradicted: Whether the vote is known to read another number than ``published_number``.
        pending_crossings: Passages that are not decided yet, each by its crossing; None stands for a passage without
            a line.
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
        self._records: dict[str, _NumberRecord] = {}
        self._picture: Picture | None = None
        self._picture_number, self._picture_quality = "", 0.0
        self._view = self.first_position
        self._unchanged_since_s = frame.monotonic_s
        self.add_reading(frame, reading)

    def add_reading(self, frame: Frame, reading: PlateReading) -> None:
        """Adds the plate's reading in one more frame."""
        position = Position.from_quad(reading.quad)
        self.motion = self.motion.updated(position, frame.monotonic_s)
        self.frames += 1
        new_view = position.distance(self._view) > VIEW_DISTANCE or position.size_ratio(self._view) > VIEW_SIZE_RATIO
        self._vote.add_reading(reading, new_view=new_view)
        self._update_record(frame, reading)
        number, self.vote_result = self.number, self._vote.result()
        self._update_picture(frame, reading)
        if new_view:
            self._view = position
        if new_view or self.number != number:
            self._unchanged_since_s = frame.monotonic_s

    def shift_clock(self, by: timedelta) -> None:
        """Shifts the stored times by a step of the wall clock."""
        self._first_seen_at += by
        for record in self._records.values():
            record.captured_at += by

    @property
    def number(self) -> str | None:
        """The number that leads the vote."""
        return self.vote_result.number if self.vote_result else None

    @property
    def agreeing_frames(self) -> int:
        """Number of frames that were read as the leading number."""
        record = self._records.get(self.number) if self.number else None
        return record.frames if record else 0

    @property
    def last_seen_s(self) -> float:
        """Time when the plate was last found, in seconds on the frames' clock."""
        return self.motion.time_s

    @property
    def unchanged_s(self) -> float:
        """Seconds for which the plate has stood still while the same number led the vote."""
        return self.last_seen_s - self._unchanged_since_s

    def passage(self, result: VoteResult, crossing: Crossing | None) -> Passage:
        """Returns the passage for ``result``. At least one frame must have been read as its number."""
        best = self._records[result.number]
        return Passage(
            number=result.number,
            confidence=result.confidence,
            color=result.color,
            category=result.category,
            rows=result.rows,
            rect=best.rect,
            first_seen_at=self._first_seen_at,
            captured_at=best.captured_at,
            frames=self.frames,
            direction=self._direction(),
            crossing=crossing,
            picture=self._picture if self._picture_number == result.number else None,
        )

    def _direction(self) -> Direction:
        growth = self.motion.position.width / self.first_position.width
        if growth > DIRECTION_RATIO:
            return Direction.APPROACHING
        return Direction.LEAVING if growth < 1 / DIRECTION_RATIO else Direction.UNKNOWN

    def _update_picture(self, frame: Frame, reading: PlateReading) -> None:
        """Keeps the best frame that was read as the leading number.

        Only one frame is kept, to bound the memory.
        """
        if reading.number != self.number:
            return
        quality = reading_quality(reading)
        if reading.number != self._picture_number or quality > self._picture_quality:
            self._picture = Picture(frame.image, reading.rect)
            self._picture_number, self._picture_quality = reading.number, quality

    def _update_record(self, frame: Frame, reading: PlateReading) -> None:
        quality = reading_quality(reading)
        record = self._records.get(reading.number)
        if record is None:
            if len(self._records) >= MAX_NUMBERS:
                del self._records[min(self._records, key=lambda number: self._records[number].frames)]
            self._records[reading.number] = _NumberRecord(1, quality, reading.rect, frame.captured_at)
            return
        record.frames += 1
        if quality > record.quality:
            record.quality, record.rect, record.captured_at = quality, reading.rect, frame.captured_at
