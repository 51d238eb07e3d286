"""Status of the service: throughput and state after each iteration, for health, metrics and systemd."""

from __future__ import annotations

import time

from edge_lpr.cameras import CameraStatus
from edge_lpr.host.systemd import SystemdNotifier
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.service.frame_gate import FrameGate
from edge_lpr.service.gate_state import GateState
from edge_lpr.service.health import HealthMonitor, status_line
from edge_lpr.service.throughput import ThroughputMeter
from edge_lpr.tracking.tracker import Tracker


class StatusReporter:
    """Measures the frame loop and reports the state of its stations."""

    def __init__(
        self,
        monitor: HealthMonitor,
        notifier: SystemdNotifier,
        publisher: PassagePublisher,
        frame_gate: FrameGate,
        tracker: Tracker,
        *,
        live: bool,
    ) -> None:
        """``live`` False is a recording: its frames carry the recording's time, so their latency is not measured."""
        self._monitor = monitor
        self._notifier = notifier
        self._publisher = publisher
        self._frame_gate = frame_gate
        self._tracker = tracker
        self._live = live
        self._throughput = ThroughputMeter()

    def record_frame(self, captured_s: float, read_s: float) -> float:
        """Records a frame whose processing has just ended; returns the current monotonic time.

        ``captured_s`` is the monotonic time of the capture, ``read_s`` the duration of reading in seconds.
        """
        done_s = time.monotonic()
        self._throughput.record_frame(done_s, read_s, done_s - captured_s if self._live else None)
        return done_s

    def signal_alive(self) -> None:
        """Feeds the watchdog of systemd; after the first frame the service is ready."""
        if self._throughput.frames:
            self._notifier.ready()
        self._notifier.keep_alive()

    def report(self, camera: CameraStatus, *, now: bool) -> None:
        """Publishes a health message if one is due, or in any case with ``now``."""
        at_s = time.monotonic()
        state = GateState(
            at_s=at_s,
            camera=camera,
            publisher=self._publisher.status,
            throughput=self._throughput.throughput(at_s),
            counts=self._tracker.counts,
            reading=self._frame_gate.status(at_s),
        )
        health = self._monitor.publish_health(state, now=now)
        if health is not None:
            self._notifier.status(status_line(health))
