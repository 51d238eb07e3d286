"""From readings, frame by frame, to one passage for each vehicle.

A passage is published

* as soon as the vote is sure (``sure_confidence`` with ``sure_frames`` agreeing frames), or
* when the vehicle has stood for ``SETTLED_S``, nothing new comes and the vote suffices: a car that waits at the barrier
  would otherwise never be announced, or
* when the track ends and the vote suffices (``min_confidence`` with ``min_frames`` agreeing frames).

Where the settings draw a line, a vehicle is due when it crosses it, and again whenever it comes back over it. One track
publishes each crossing (without a line: itself) at most once: if more frames change the vote's mind, that is logged and
counted, for the parking system has acted already and a second passage would be a second vehicle. All reckoning is on
the frames' own clock.
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
"""Seconds of standing still, with one number leading, after which waiting longer brings nothing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrackerCounts:
    """What became of the tracks so far.

    ``published`` passages; ``repeats`` suppressed; ``unsure`` tracks that ended without a number good enough to
    publish, or with one that the settings do not let through; ``overturned`` passages whose number later frames spoke
    against.
    """

    published: int = 0
    repeats: int = 0
    unsure: int = 0
    overturned: int = 0


class Tracker:
    """Follows plates over frames. ``min_confidence`` (0-100) is the least that is published."""

    def __init__(self, settings: PassageSettings, min_confidence: int) -> None:
        self._settings = settings
        self._min_confidence = min_confidence
        self._area = AreaFilter(settings)
        self._format = FormatFilter(settings)
        self._line_crossings = LineCrossingDetector(settings)
        self._tracks: list[Track] = []
        self._deduplicator = Deduplicator(settings.repeat_after_s)
        self._scene: tuple[str, int, int] | None = None
        self._published = self._repeated = self._unsure = self._overturned = 0

    @property
    def counts(self) -> TrackerCounts:
        """What became of the tracks so far."""
        return TrackerCounts(self._published, self._repeated, self._unsure, self._overturned)

    @property
    def has_tracks(self) -> bool:
        """Whether a plate is in sight."""
        return bool(self._tracks)

    @property
    def tracks(self) -> Sequence[Track]:
        """The plates in sight, for whoever draws them; they change with the next frame."""
        return self._tracks

    def apply_settings(self, settings: PassageSettings, min_confidence: int) -> None:
        """Go on by other settings; what is in sight stays so."""
        self._settings = settings
        self._min_confidence = min_confidence
        self._area = AreaFilter(settings)
        self._format = FormatFilter(settings)
        self._line_crossings.apply_settings(settings, self._tracks)
        self._deduplicator.repeat_after_s = settings.repeat_after_s

    def shift_clock(self, by: timedelta) -> None:
        """The wall clock was set by so much: stamps taken before are moved with it."""
        for track in self._tracks:
            track.shift_clock(by)

    def update(self, frame: Frame, readings: Sequence[PlateReading]) -> list[Passage]:
        """Take one frame's readings (all of them, the unsure too) and give the passages that are now due."""
        passages = [*self._end_scene(frame), *self.end_lost_tracks(frame.monotonic_s)]
        inside = suppress_duplicates([reading for reading in readings if self._area.contains(reading.quad, frame)])
        matches = associate(self._tracks, inside, frame.monotonic_s)
        for i, reading in enumerate(inside):
            track = matches.get(i)
            if track is None:
                track = Track(frame, reading)
                self._tracks.append(track)
            else:
                track.add(frame, reading)
            self._line_crossings.update(track, frame)
            self._deduplicator.restart_window(track)
            passages += self._judge(track)
        return passages

    def end_lost_tracks(self, time_s: float) -> list[Passage]:
        """End the tracks out of sight at ``time_s``, on the frames' clock, and give the passages that were still due.

        Each frame does this; it is called from outside while a live camera gives none.
        """
        oldest = time_s - self._settings.max_gap_s
        lost = [track for track in self._tracks if track.last_seen_s < oldest]
        self._tracks = [track for track in self._tracks if track.last_seen_s >= oldest]
        return self._end_all(lost)

    def flush(self) -> list[Passage]:
        """End all tracks, as when the camera is closed, and give the passages that were still due."""
        ended, self._tracks = self._tracks, []
        return self._end_all(ended)

    def _end_all(self, tracks: list[Track]) -> list[Passage]:
        self._line_crossings.end_tracks(tracks)
        return [passage for track in tracks for passage in self._end(track)]

    def _end_scene(self, frame: Frame) -> list[Passage]:
        """Each photo is a scene of its own; so is what a camera shows after its pictures changed their size, as places
        in pixels no longer compare."""
        scene = (frame.source, frame.width, frame.height)
        if scene == self._scene:
            return []
        self._scene = scene
        return self.flush()

    def _judge(self, track: Track) -> list[Passage]:
        """Decide about a track that is in sight."""
        verdict = track.vote_result
        if verdict is None:
            return []
        if track.published_number:
            self._watch(track, track.published_number, verdict)
        if not track.pending_crossings:
            return []
        settled = track.unchanged_s >= SETTLED_S and self._suffices(track, verdict)
        return self._decide(track, verdict) if settled or self._is_sure(track, verdict) else []

    def _end(self, track: Track) -> list[Passage]:
        """Decide about a track that is lost, if that is still open."""
        verdict = track.vote_result
        if not track.pending_crossings:
            return []
        if verdict is not None:
            if self._suffices(track, verdict):
                return self._decide(track, verdict)
            if all(
                self._deduplicator.published_number(track, verdict, crossing) for crossing in track.pending_crossings
            ):
                self._repeated += 1
                return []
        self._unsure += 1
        log.debug("a plate seen in %d frames was not read surely enough: %s", track.frames, verdict)
        return []

    def _decide(self, track: Track, verdict: VoteResult) -> list[Passage]:
        due, track.pending_crossings = track.pending_crossings, []
        return [passage for crossing in due for passage in self._publish(track, verdict, crossing)]

    def _publish(self, track: Track, verdict: VoteResult, crossing: Crossing | None) -> list[Passage]:
        published = self._deduplicator.published_number(track, verdict, crossing)
        if published:
            track.published_number = published
            self._repeated += 1
            self._deduplicator.restart_window(track)
            if published != verdict.number:
                track.is_contradicted = True
                self._deduplicator.add_other_number(published, verdict.number)
            log.debug("%s is %s again, not published", verdict.number, published)
            return []
        track.published_number = verdict.number
        self._published += 1
        self._deduplicator.record_passage(track, verdict, crossing)
        return [track.passage(verdict, crossing)]

    def _watch(self, track: Track, decided: str, verdict: VoteResult) -> None:
        """Notice that later frames speak against the number that was decided."""
        if track.is_contradicted or verdict.number == decided or not self._is_sure(track, verdict):
            return
        track.is_contradicted = True
        self._overturned += 1
        self._deduplicator.add_other_number(decided, verdict.number)
        log.warning("%s was published, but later frames read %s", decided, verdict.number)

    def _is_sure(self, track: Track, verdict: VoteResult) -> bool:
        least = max(self._settings.sure_confidence, self._min_confidence)
        is_sure = verdict.confidence >= least and track.agreeing_frames >= self._settings.sure_frames
        return is_sure and self._format.allows(verdict)

    def _suffices(self, track: Track, verdict: VoteResult) -> bool:
        suffices = verdict.confidence >= self._min_confidence and track.agreeing_frames >= self._settings.min_frames
        return suffices and self._format.allows(verdict)
