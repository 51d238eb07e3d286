"""The one loop: a frame, its readings, the passages that are due, the publisher. And round again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from edge_lpr.cameras import CameraStatus, FrameSource
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame
from edge_lpr.host.clock import StepWatch
from edge_lpr.host.systemd import Notifier
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.passages import Passage
from edge_lpr.readings import PlateReading, ReadPlates
from edge_lpr.service.frame_gate import FrameGate
from edge_lpr.service.health import HealthMonitor
from edge_lpr.service.throughput import ThroughputMeter
from edge_lpr.tracking.track import Track
from edge_lpr.tracking.tracker import Tracker

FRAME_WAIT_S = 0.5
"""The longest that the loop waits for a frame before it looks round; a stop is noticed within this."""

_log = logging.getLogger(__name__)


class FrameObserver(Protocol):
    """Told of what the loop did. It is waited for, so it must be quick."""

    def see(self, frame: Frame, readings: Sequence[PlateReading], tracks: Sequence[Track]) -> None:
        """A frame was read, and followed up."""

    def note(self, passage: Passage, sequence: int) -> None:
        """A passage was handed to the publisher."""


class Service:
    """Joins the stations. It owns none of them: who made them starts and stops them.

    ``note`` is told of each frame that was read, with the plates found in it.
    ``complete`` adds to a passage what the tracker cannot know. ``between_frames`` is called once each turn, for what
    must not happen while a frame is dealt with. ``onlooker``, if any, is told of what was seen.
    """

    def __init__(
        self,
        source: FrameSource,
        attention: FrameGate,
        read: ReadPlates,
        tracker: Tracker,
        publisher: PassagePublisher,
        monitor: HealthMonitor,
        notifier: Notifier,
        *,
        live: bool,
        note: Callable[[Frame, Sequence[PlateReading]], None] = lambda frame, readings: None,
        complete: Callable[[Passage], Passage] = lambda passage: passage,
        between_frames: Callable[[], None] = lambda: None,
        onlooker: FrameObserver | None = None,
    ) -> None:
        self._source = source
        self._attention = attention
        self._read = read
        self._tracker = tracker
        self._publisher = publisher
        self._monitor = monitor
        self._notifier = notifier
        self._live = live
        self._note = note
        self._complete = complete
        self._between_frames = between_frames
        self._onlooker = onlooker
        self._meter = ThroughputMeter()
        self._clock = StepWatch()

    def run(self, stop: threading.Event) -> None:
        """Go round until ``stop`` is set or a recording is over; then deliver what the tracks still hold.

        Raises CameraError when a recording fails, and when a call to the camera never returns, after delivering what
        it gave.
        """
        try:
            while not stop.is_set():
                self._between_frames()
                frame = self._source.next_frame(FRAME_WAIT_S)
                if frame is not None:
                    self._handle(frame)
                elif self._source.ended:
                    break
                elif self._live:
                    # A live frame's clock is ours: a vehicle does not wait for a camera that has fallen silent.
                    self._publish(self._tracker.end_lost(time.monotonic()))
                self._look_round(self._source.status)
        finally:
            self._publish(self._tracker.flush())
            self.tell_health(now=True)

    def tell_health(self, *, now: bool = False) -> None:
        """Publish a snapshot if one is due, or in any case ``now``."""
        self._report(self._source.status, now=now)

    def _handle(self, frame: Frame) -> None:
        frame = self._on_todays_clock(frame)
        began_s = time.monotonic()
        if not self._attention.is_worth_reading(frame, began_s, following=self._tracker.is_following):
            return
        readings = self._read(frame.image)
        self._note(frame, readings)
        read_s = time.monotonic() - began_s
        self._publish(self._tracker.update(frame, readings))
        if self._onlooker is not None:
            self._onlooker.see(frame, readings, self._tracker.tracks)
        done_s = time.monotonic()
        self._attention.note_read(done_s, read_s)
        # A recording's frames carry the recording's time, which says nothing of how long they took here.
        self._meter.note(done_s, read_s, done_s - frame.monotonic_s if self._live else None)

    def _on_todays_clock(self, frame: Frame) -> Frame:
        """``frame``, stamped anew if the wall clock was set since it was taken, as all that is in sight then is."""
        step_s = self._clock.step_s()
        if not step_s:
            return frame
        _log.warning("the clock was set by %+.1f s; the times of vehicles in sight are corrected", step_s)
        self._tracker.shift_clock(timedelta(seconds=step_s))
        age_s = time.monotonic() - frame.monotonic_s if self._live else 0.0
        return replace(frame, captured_at=datetime.now().astimezone() - timedelta(seconds=age_s))

    def _publish(self, passages: Sequence[Passage]) -> None:
        for passage in map(self._complete, passages):
            stored = self._publisher.publish(passage)
            if self._onlooker is not None:
                self._onlooker.note(passage, stored.sequence)
            _log.info(
                "passage %d: %s %s, confidence %d, %s, %d frames",
                *(stored.sequence, passage.number, passage.color, passage.confidence),
                *(passage.crossing or passage.direction, passage.frames),
            )

    def _look_round(self, camera: CameraStatus) -> None:
        """One turn is done: say so. Raises CameraError for a call that hangs: no thread can break it off, a new process
        can, and this one still can say good-bye."""
        if camera.hangs:
            raise CameraError(f"{camera.last_error}; only a new process helps, so this one ends")
        if self._meter.frames:
            self._notifier.ready()
        self._notifier.alive()
        self._attention.look(camera, time.monotonic())
        self._report(camera, now=False)

    def _report(self, camera: CameraStatus, *, now: bool) -> None:
        now_s = time.monotonic()
        pace, work = self._meter.pace(now_s), self._attention.work(now_s)
        counts = self._tracker.counts
        health = self._monitor.tell(camera, self._publisher.status, pace, counts, work, now=now)
        if health is not None:
            self._notifier.status(health.to_line())
