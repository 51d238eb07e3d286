"""The frame loop: camera frame, readings, tracks, passages, outbox, and again."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta

from edge_lpr.cameras import CameraStatus, FrameSource
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame
from edge_lpr.host.clock import ClockStepDetector
from edge_lpr.service.camera_reader import CameraReader
from edge_lpr.service.delivery import Delivery, FrameObserver
from edge_lpr.service.frame_gate import FrameGate
from edge_lpr.service.maintenance import Maintenance
from edge_lpr.service.status import StatusReporter
from edge_lpr.tracking.tracker import Tracker

FRAME_WAIT_S = 0.5
"""The longest wait for a frame. A stop is noticed within this time."""

_log = logging.getLogger(__name__)


class FrameLoop:
    """Calls the stations from the camera to the outbox, in order. The caller starts and stops them."""

    def __init__(
        self,
        source: FrameSource,
        frame_gate: FrameGate,
        reader: CameraReader,
        tracker: Tracker,
        delivery: Delivery,
        status: StatusReporter,
        maintenance: Maintenance,
        observer: FrameObserver | None,
        *,
        live: bool,
    ) -> None:
        """``live`` False is a recording, whose frames carry the recording's own time."""
        self._source = source
        self._frame_gate = frame_gate
        self._reader = reader
        self._tracker = tracker
        self._delivery = delivery
        self._status = status
        self._maintenance = maintenance
        self._observer = observer
        self._live = live
        self._clock = ClockStepDetector()

    def run(self, stop: threading.Event) -> None:
        """Processes frames until ``stop`` is set or a recording ends; then delivers what the tracks still hold.

        Raises CameraError when a recording fails, and when a call to the camera never returns. What was read before is
        delivered in both cases.
        """
        try:
            while not stop.is_set():
                self._maintenance.process_pending()
                frame = self._source.next_frame(FRAME_WAIT_S)
                if frame is not None:
                    self._process_frame(frame)
                elif self._source.ended:
                    break
                elif self._live:
                    # A vehicle does not wait for a camera that gives no frames: its track ends by this clock.
                    self._delivery.deliver(self._tracker.end_lost_tracks(time.monotonic()))
                self._end_iteration(self._source.status)
        finally:
            self._delivery.deliver(self._tracker.flush())
            self.report_now()

    def report_now(self) -> None:
        """Publishes a health message, whether one is due or not."""
        self._status.report(self._source.status, now=True)

    def _process_frame(self, frame: Frame) -> None:
        """One frame's way from the camera to the outbox."""
        frame = self._on_current_clock(frame)
        started_s = time.monotonic()
        if not self._frame_gate.is_worth_reading(frame, started_s, tracking=self._tracker.has_tracks):
            return
        readings = self._reader.read(frame)
        read_s = time.monotonic() - started_s
        passages = self._tracker.update(frame, readings)
        self._delivery.deliver(passages)
        if self._observer is not None:
            self._observer.add_frame(frame, readings, self._tracker.tracks)
        done_s = self._status.record_frame(frame.monotonic_s, read_s)
        self._frame_gate.record_read(done_s, read_s)

    def _on_current_clock(self, frame: Frame) -> Frame:
        """Returns ``frame`` with a corrected time if the wall clock was set since its capture; moves the tracks too."""
        step_s = self._clock.measure_step_s()
        if not step_s:
            return frame
        _log.warning("the clock was set by %+.1f s; the times of vehicles in sight are corrected", step_s)
        self._tracker.shift_clock(timedelta(seconds=step_s))
        age_s = time.monotonic() - frame.monotonic_s if self._live else 0.0
        return replace(frame, captured_at=datetime.now().astimezone() - timedelta(seconds=age_s))

    def _end_iteration(self, camera: CameraStatus) -> None:
        """Reports one iteration.

        Raises CameraError for a camera call that hangs. No thread can end such a call, but a new process can, and this
        one can still disconnect properly.
        """
        if camera.hangs:
            raise CameraError(f"{camera.last_error}; only a new process helps, so this one ends")
        self._status.signal_alive()
        self._frame_gate.update_load(camera, time.monotonic())
        self._status.report(camera, now=False)
