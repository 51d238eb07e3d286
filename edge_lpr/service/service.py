"""The one loop: a frame, its readings, the passages that are due, the publisher. And round again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from edge_lpr.cameras import CameraStatus, FrameSource
from edge_lpr.frames import Frame
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.service.health import HealthMonitor
from edge_lpr.service.notify import Notifier
from edge_lpr.service.pace import PaceMeter
from edge_lpr.tracking.passage import Passage
from edge_lpr.tracking.tracker import Tracker
from edge_lpr.vision.sharing import Read

FRAME_WAIT_S = 0.5
"""The longest that the loop waits for a frame before it looks round; a stop is noticed within this."""

_log = logging.getLogger(__name__)


class Service:
    """Joins the stations. It owns none of them: who made them starts and stops them."""

    def __init__(
        self,
        source: FrameSource,
        read: Read,
        tracker: Tracker,
        publisher: PassagePublisher,
        monitor: HealthMonitor,
        notifier: Notifier,
        *,
        live: bool,
    ) -> None:
        self._source = source
        self._read = read
        self._tracker = tracker
        self._publisher = publisher
        self._monitor = monitor
        self._notifier = notifier
        self._live = live
        self._meter = PaceMeter()
        self._is_ready = False

    def run(self, stop: threading.Event) -> None:
        """Go round until ``stop`` is set or a recording is over; then deliver what the tracks still hold.

        Raises CameraError when a recording fails, after delivering what it gave.
        """
        try:
            while not stop.is_set():
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
        began_s = time.monotonic()
        readings = self._read(frame.image)
        read_s = time.monotonic() - began_s
        self._publish(self._tracker.update(frame, readings))
        done_s = time.monotonic()
        # A recording's frames carry the recording's time, which says nothing of how long they took here.
        self._meter.note(done_s, read_s, done_s - frame.monotonic_s if self._live else None)

    def _publish(self, passages: Sequence[Passage]) -> None:
        for passage in passages:
            stored = self._publisher.publish(passage)
            _log.info(
                "passage %d: %s %s, confidence %d, %s, %d frames",
                *(stored.sequence, passage.number, passage.color, passage.confidence),
                *(passage.direction, passage.frames),
            )

    def _look_round(self, camera: CameraStatus) -> None:
        """One turn is done: say so. A camera whose call never returns needs a new process, so nothing is said then."""
        if not self._is_ready and (camera.state == "failed" or self._meter.frames):
            self._is_ready = True
            self._notifier.ready()
        if not camera.hangs:
            self._notifier.alive()
        self._report(camera, now=False)

    def _report(self, camera: CameraStatus, *, now: bool) -> None:
        pace = self._meter.pace(time.monotonic())
        health = self._monitor.tell(camera, self._publisher.status, pace, self._tracker.counts, now=now)
        if health is not None:
            self._notifier.status(health.to_line())
