"""How the gate fares, as one message: what an operator wants to see without a ladder."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from edge_lpr import __version__
from edge_lpr.cameras import CameraStatus
from edge_lpr.host.board import Throttling, temperature_celsius, throttling
from edge_lpr.host.clock import clock_synchronized
from edge_lpr.messages.payloads import JsonObject, timestamp
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.gate_state import GateState
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.service.throughput import Throughput
from edge_lpr.tracking.tracker import TrackerCounts


@dataclass(frozen=True, slots=True)
class Versions:
    """What runs: the program, its two models and what the pair is called, the runtime that runs them, Python."""

    program: str
    detector: str
    recognizer: str
    models: str
    runtime: str
    python: str

    @classmethod
    def of(cls, detector: str, recognizer: str, models: str, runtime: str) -> Versions:
        """With this program's and this Python's own versions."""
        return cls(__version__, detector, recognizer, models, runtime, platform.python_version())


@dataclass(frozen=True, slots=True)
class Health:
    """One snapshot. ``at`` is aware of its offset; ``uptime_s`` in seconds."""

    device_id: str
    at: datetime
    uptime_s: float
    camera: CameraStatus
    publisher: PublisherStatus
    pace: Throughput
    counts: TrackerCounts
    work: ReadingStatus
    temperature_celsius: float | None
    throttling: Throttling | None
    clock_synchronized: bool
    versions: Versions

    def to_message(self) -> JsonObject:
        """The payload of the topic ``health``; its schema is ``edge_lpr/messages/schemas/health.json``."""
        broker, outbox = self.publisher.connection, self.publisher.outbox
        return {
            "DeviceId": self.device_id,
            "At": timestamp(self.at),
            "UptimeSeconds": round(self.uptime_s),
            "Camera": {
                "Name": self.camera.name,
                "State": self.camera.state,
                "Fault": self.camera.fault,
                "LastError": self.camera.last_error,
                "FramesCaptured": self.camera.frames_captured,
                "FramesDropped": self.camera.frames_dropped,
                "Reopened": self.camera.reopened,
                "Width": None if self.camera.size is None else self.camera.size[0],
                "Height": None if self.camera.size is None else self.camera.size[1],
            },
            "Broker": {
                "State": broker.state,
                "Reason": broker.reason or self.publisher.refusal,
                "Connects": broker.connects,
                "Failures": broker.failures,
                "LastFault": broker.last_fault,
                "LastFaultAt": None if broker.last_fault_at is None else timestamp(broker.last_fault_at),
            },
            "Outbox": {
                "Waiting": outbox.waiting,
                "Bytes": outbox.bytes,
                "Dropped": outbox.dropped,
                "Expired": outbox.expired,
                "Durable": outbox.durable,
                "Fault": outbox.fault,
            },
            "Passages": {
                "Published": self.counts.published,
                "RepeatsSuppressed": self.counts.repeats,
                "Unsure": self.counts.unsure,
                "Overturned": self.counts.overturned,
                "LastSequence": outbox.last_sequence,
            },
            "Reading": {
                "State": self.work.state,
                "FramesRead": self.work.frames_read,
                "FramesIdle": self.work.frames_idle,
                "FramesRested": self.work.frames_rested,
            },
            "FramesPerSecond": self.pace.fps,
            "ReadMilliseconds": self.pace.read_ms,
            "LatencyMilliseconds": self.pace.latency_ms,
            "TemperatureCelsius": self.temperature_celsius,
            "Throttling": None if self.throttling is None else _throttling(self.throttling),
            "ClockSynchronized": self.clock_synchronized,
            "Versions": {
                "EdgeLpr": self.versions.program,
                "Detector": self.versions.detector,
                "Recognizer": self.versions.recognizer,
                "Models": self.versions.models,
                "Runtime": self.versions.runtime,
                "Python": self.versions.python,
            },
        }

    def to_line(self) -> str:
        """The same for ``systemctl status``, in a few words."""
        broker, waiting = self.publisher.connection.state, self.publisher.outbox.waiting
        camera = self.camera.state if self.camera.fault is None else f"{self.camera.state} ({self.camera.fault})"
        return (
            f"camera {camera}, {self.work.state}, {self.pace.fps:.1f} frames/s; broker {broker}; "
            f"{self.counts.published} passages, {waiting} waiting"
        )


class HealthMonitor:
    """Takes a snapshot when one is due: each ``every_s`` seconds, and at once when camera, broker, load or ``versions``
    changed."""

    def __init__(self, device_id: str, versions: Versions, every_s: float, send: Callable[[JsonObject], None]) -> None:
        self._device_id = device_id
        self.versions = versions
        self.every_s = every_s
        self._send = send
        self._began_s = time.monotonic()
        self._sent_s: float | None = None
        self._states: tuple[object, ...] | None = None
        self.latest: GateState | None = None
        """What was last told of, due or not; other threads may look at it at any time."""

    def tell(
        self,
        camera: CameraStatus,
        publisher: PublisherStatus,
        pace: Throughput,
        counts: TrackerCounts,
        work: ReadingStatus,
        *,
        now: bool = False,
    ) -> Health | None:
        """Send a snapshot if it is due or asked for ``now``; returns what was sent."""
        moment_s = time.monotonic()
        self.latest = GateState(moment_s, camera, publisher, pace, counts, work)
        # Idle comes and goes with each vehicle, and is no news.
        load = None if work.state == "idle" else work.state
        states = (camera.state, camera.fault, publisher.connection.state, load, self.versions)
        is_due = self._sent_s is None or moment_s - self._sent_s >= self.every_s
        if not now and not is_due and states == self._states:
            return None
        self._sent_s = moment_s
        self._states = states
        health = self._snapshot(self.latest)
        self._send(health.to_message())
        return health

    def snapshot(self) -> Health | None:
        """How the gate fares now, None before its first turn. May be called from any thread."""
        return None if self.latest is None else self._snapshot(self.latest)

    def _snapshot(self, state: GateState) -> Health:
        return Health(
            device_id=self._device_id,
            at=datetime.now().astimezone(),
            uptime_s=time.monotonic() - self._began_s,
            camera=state.camera,
            publisher=state.publisher,
            pace=state.pace,
            counts=state.counts,
            work=state.work,
            temperature_celsius=temperature_celsius(),
            throttling=throttling(),
            clock_synchronized=clock_synchronized(),
            versions=self.versions,
        )


def _throttling(flags: Throttling) -> JsonObject:
    return {
        "UnderVoltage": flags.under_voltage,
        "FrequencyCapped": flags.frequency_capped,
        "Throttled": flags.throttled,
        "SoftTemperatureLimit": flags.soft_temperature_limit,
        "Occurred": flags.occurred,
    }
