"""The tracker: turns the readings of each frame into one passage per vehicle.

A passage is published in one of these cases:

* The vote is certain: ``sure_confidence`` with ``sure_frames`` agreeing frames.
* The vehicle has stood still for ``SETTLED_S`` seconds and the vote is sufficient. Without this rule a car that waits
  at the barrier would never be published.
* The track ends and the vote is sufficient: ``min_confidence`` with ``min_frames`` agreeing frames.

If the settings define a line, a passage is due each time the vehicle crosses it. A track publishes each crossing
(without a line: itself) at most once. If later frames change the vote, this is only logged and counted: the parking
system has already acted, and a second passage would mean a second vehicle.

All times are on the frames' clock.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from edge_lpr.config import PassageSettings
from edge_lpr.frames import Frame
from edge_lpr.passages import Crossing, Passage
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.association import associate, suppress_duplicates
from edge_lpr.tracking.deduplication import Deduplicator
from edge_lpr.tracking.filters import AreaFilter, FormatFilter
from edge_lpr.tracking.line_crossing import LineCrossingDetector
from edge_lpr.tracking.track import Track
from edge_lpr.tracking.vote import VoteResult

SETTLED_S = 2.0
"""Seconds of standing still with the same leading number, after which more frames add no information."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrackerCounts:
    """Counts of what happened to the tracks so far.

    Attributes:
        published: Published passages.
        repeats: Suppressed repetitions.
        unsure: Tracks that ended without a sufficient number, or with a number that the settings exclude.
        overturned: Published passages whose number was contradicted by later frames.
    """

    published: int = 0
    repeats: int = 0
    unsure: int = 0
    overturned: int = 0


class Tracker:
    """Follows plates over frames and decides which passages to publish.

    ``min_confidence`` (0-100) is the lowest confidence that is published.
    """

    def __init__(self, settings: PassageSettings, min_confidence: int) -> None:
        self._settings = settings
        self._min_confidence = min_confidence
        self._area = AreaFilter(settings)
        self._format = FormatFilter(settings)
        self._line_crossings = LineCrossingDetector(settings)
        self._deduplicator = Deduplicator(settings.repeat_after_s)
        self._tracks: list[Track] = []
        self._scene: tuple[str, int, int] | None = None
        self._published = self._repeated = self._unsure = self._overturned = 0

    @property
    def counts(self) -> TrackerCounts:
        """Counts of what happened to the tracks so far."""
        return TrackerCounts(self._published, self._repeated, self._unsure, self._overturned)

    @property
    def has_tracks(self) -> bool:
        """Whether a plate is visible."""
        return bool(self._tracks)

    @property
    def tracks(self) -> Sequence[Track]:
        """The visible plates. The tracks change with the next frame."""
        return self._tracks

    def apply_settings(self, settings: PassageSettings, min_confidence: int) -> None:
        """Applies changed settings. Existing tracks are kept."""
        self._settings = settings
        self._min_confidence = min_confidence
        self._area = AreaFilter(settings)
        self._format = FormatFilter(settings)
        self._line_crossings.apply_settings(settings, self._tracks)
        self._deduplicator.repeat_after_s = settings.repeat_after_s

    def shift_clock(self, by: timedelta) -> None:
        """Shifts the stored times by a step of the wall clock."""
        for track in self._tracks:
            track.shift_clock(by)

    def update(self, frame: Frame, readings: Sequence[PlateReading]) -> list[Passage]:
        """Adds all readings of one frame, including uncertain ones, and returns the passages that are now due."""
        passages = [*self._end_scene(frame), *self.end_lost_tracks(frame.monotonic_s)]
        inside = suppress_duplicates([reading for reading in readings if self._area.contains(reading.quad, frame)])
        matches = associate(self._tracks, inside, frame.monotonic_s)
        for i, reading in enumerate(inside):
            track = matches.get(i)
            if track is None:
                track = Track(frame, reading)
                self._tracks.append(track)
            else:
                track.add_reading(frame, reading)
            self._line_crossings.update(track, frame)
            self._deduplicator.restart_window(track)
            passages += self._decide_visible(track)
        return passages

    def end_lost_tracks(self, time_s: float) -> list[Passage]:
        """Ends the tracks that are lost at ``time_s`` (frames' clock), and returns the passages that were still due.

        ``update`` does this for each frame. Call it directly while a live camera gives no frames.
        """
        oldest_s = time_s - self._settings.max_gap_s
        lost = [track for track in self._tracks if track.last_seen_s < oldest_s]
        self._tracks = [track for track in self._tracks if track.last_seen_s >= oldest_s]
        return self._end_tracks(lost)

    def flush(self) -> list[Passage]:
        """Ends all tracks, for example when the camera is closed, and returns the passages that were still due."""
        ended, self._tracks = self._tracks, []
        return self._end_tracks(ended)

    def _end_tracks(self, tracks: list[Track]) -> list[Passage]:
        self._line_crossings.end_tracks(tracks)
        return [passage for track in tracks for passage in self._decide_ended(track)]

    def _end_scene(self, frame: Frame) -> list[Passage]:
        """Ends all tracks when the source or the frame size changes.

        Each photo is a separate scene. After a change of the frame size, positions in pixels are not comparable.
        """
        scene = (frame.source, frame.width, frame.height)
        if scene == self._scene:
            return []
        self._scene = scene
        return self.flush()

    def _decide_visible(self, track: Track) -> list[Passage]:
        """Returns the passages that are due for a visible track."""
        result = track.vote_result
        if result is None:
            return []
        if track.published_number:
            self._check_published(track, track.published_number, result)
        if not track.pending_crossings:
            return []
        is_settled = track.unchanged_s >= SETTLED_S and self._is_sufficient(track, result)
        return self._publish_pending(track, result) if is_settled or self._is_certain(track, result) else []

    def _decide_ended(self, track: Track) -> list[Passage]:
        """Returns the passages that were still due for a track that has ended."""
        result = track.vote_result
        if not track.pending_crossings:
            return []
        if result is not None:
            if self._is_sufficient(track, result):
                return self._publish_pending(track, result)
            if all(self._deduplicator.published_number(track, result, each) for each in track.pending_crossings):
                self._repeated += 1
                return []
        self._unsure += 1
        _log.debug("a plate found in %d frames was not read with enough confidence: %s", track.frames, result)
        return []

    def _publish_pending(self, track: Track, result: VoteResult) -> list[Passage]:
        pending, track.pending_crossings = track.pending_crossings, []
        return [passage for crossing in pending for passage in self._publish(track, result, crossing)]

    def _publish(self, track: Track, result: VoteResult, crossing: Crossing | None) -> list[Passage]:
        """Returns the passage, or nothing if this crossing of the vehicle was already published."""
        published = self._deduplicator.published_number(track, result, crossing)
        if published:
            track.published_number = published
            self._repeated += 1
            self._deduplicator.restart_window(track)
            if published != result.number:
                track.is_contradicted = True
                self._deduplicator.add_other_number(published, result.number)
            _log.debug("%s repeats the published %s and is not published", result.number, published)
            return []
        track.published_number = result.number
        self._published += 1
        self._deduplicator.record_passage(track, result, crossing)
        return [track.passage(result, crossing)]

    def _check_published(self, track: Track, published: str, result: VoteResult) -> None:
        """Logs and counts a published number that later frames contradict."""
        if track.is_contradicted or result.number == published or not self._is_certain(track, result):
            return
        track.is_contradicted = True
        self._overturned += 1
        self._deduplicator.add_other_number(published, result.number)
        _log.warning("%s was published, but later frames read %s", published, result.number)

    def _is_certain(self, track: Track, result: VoteResult) -> bool:
        confidence = max(self._settings.sure_confidence, self._min_confidence)
        return self._reaches(track, result, confidence, self._settings.sure_frames)

    def _is_sufficient(self, track: Track, result: VoteResult) -> bool:
        return self._reaches(track, result, self._min_confidence, self._settings.min_frames)

    def _reaches(self, track: Track, result: VoteResult, confidence: int, frames: int) -> bool:
        is_reached = result.confidence >= confidence and track.agreeing_frames >= frames
        return is_reached and self._format.allows(result)
