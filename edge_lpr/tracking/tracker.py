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
from edge_lpr.tracking.association import associate, without_doubles
from edge_lpr.tracking.deduplication import Repeats
from edge_lpr.tracking.filters import WatchedArea
from edge_lpr.tracking.limits import FormatLimits
from edge_lpr.tracking.line_crossing import CrossingWatch
from edge_lpr.tracking.track import Track
from edge_lpr.tracking.vote import Verdict

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
        self._area = WatchedArea(settings)
        self._limits = FormatLimits(settings)
        self._crossings = CrossingWatch(settings)
        self._tracks: list[Track] = []
        self._repeats = Repeats(settings.repeat_after_s)
        self._scene: tuple[str, int, int] | None = None
        self._published = self._repeated = self._unsure = self._overturned = 0

    @property
    def counts(self) -> TrackerCounts:
        """What became of the tracks so far."""
        return TrackerCounts(self._published, self._repeated, self._unsure, self._overturned)

    @property
    def is_following(self) -> bool:
        """Whether a plate is in sight."""
        return bool(self._tracks)

    @property
    def tracks(self) -> Sequence[Track]:
        """The plates in sight, for whoever draws them; they change with the next frame."""
        return self._tracks

    def apply(self, settings: PassageSettings, min_confidence: int) -> None:
        """Go on by other settings; what is in sight stays so."""
        self._settings = settings
        self._min_confidence = min_confidence
        self._area = WatchedArea(settings)
        self._limits = FormatLimits(settings)
        self._crossings.apply(settings, self._tracks)
        self._repeats.repeat_after_s = settings.repeat_after_s

    def shift_clock(self, by: timedelta) -> None:
        """The wall clock was set by so much: stamps taken before are moved with it."""
        for track in self._tracks:
            track.shift_clock(by)

    def update(self, frame: Frame, readings: Sequence[PlateReading]) -> list[Passage]:
        """Take one frame's readings (all of them, the unsure too) and give the passages that are now due."""
        passages = [*self._end_scene(frame), *self.end_lost(frame.monotonic_s)]
        inside = without_doubles([reading for reading in readings if self._area.holds(reading.quad, frame)])
        matches = associate(self._tracks, inside, frame.monotonic_s)
        for i, reading in enumerate(inside):
            track = matches.get(i)
            if track is None:
                track = Track(frame, reading)
                self._tracks.append(track)
            else:
                track.add(frame, reading)
            self._crossings.see(track, frame)
            self._repeats.see(track)
            passages += self._judge(track)
        return passages

    def end_lost(self, time_s: float) -> list[Passage]:
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
        self._crossings.lose(tracks)
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
        verdict = track.verdict
        if verdict is None:
            return []
        if track.decided:
            self._watch(track, track.decided, verdict)
        if not track.pending:
            return []
        settled = track.unchanged_s >= SETTLED_S and self._suffices(track, verdict)
        return self._decide(track, verdict) if settled or self._is_sure(track, verdict) else []

    def _end(self, track: Track) -> list[Passage]:
        """Decide about a track that is lost, if that is still open."""
        verdict = track.verdict
        if not track.pending:
            return []
        if verdict is not None:
            if self._suffices(track, verdict):
                return self._decide(track, verdict)
            if all(self._repeats.number_of(track, verdict, crossing) for crossing in track.pending):
                self._repeated += 1
                return []
        self._unsure += 1
        log.debug("a plate seen in %d frames was not read surely enough: %s", track.frames, verdict)
        return []

    def _decide(self, track: Track, verdict: Verdict) -> list[Passage]:
        due, track.pending = track.pending, []
        return [passage for crossing in due for passage in self._publish(track, verdict, crossing)]

    def _publish(self, track: Track, verdict: Verdict, crossing: Crossing | None) -> list[Passage]:
        published = self._repeats.number_of(track, verdict, crossing)
        if published:
            track.decided = published
            self._repeated += 1
            self._repeats.see(track)
            if published != verdict.number:
                track.disputed = True
                self._repeats.remember_other_number(published, verdict.number)
            log.debug("%s is %s again, not published", verdict.number, published)
            return []
        track.decided = verdict.number
        self._published += 1
        self._repeats.remember(track, verdict, crossing)
        return [track.passage(verdict, crossing)]

    def _watch(self, track: Track, decided: str, verdict: Verdict) -> None:
        """Notice that later frames speak against the number that was decided."""
        if track.disputed or verdict.number == decided or not self._is_sure(track, verdict):
            return
        track.disputed = True
        self._overturned += 1
        self._repeats.remember_other_number(decided, verdict.number)
        log.warning("%s was published, but later frames read %s", decided, verdict.number)

    def _is_sure(self, track: Track, verdict: Verdict) -> bool:
        least = max(self._settings.sure_confidence, self._min_confidence)
        is_sure = verdict.confidence >= least and track.agreeing >= self._settings.sure_frames
        return is_sure and self._limits.allow(verdict)

    def _suffices(self, track: Track, verdict: Verdict) -> bool:
        suffices = verdict.confidence >= self._min_confidence and track.agreeing >= self._settings.min_frames
        return suffices and self._limits.allow(verdict)
