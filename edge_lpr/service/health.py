"""Health: the state of the gate as one message, for an operator who is not on the ladder."""

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
from edge_lpr.model_store.loading import OpenedPair
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.gate_state import GateState
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.service.throughput import Throughput
from edge_lpr.tracking.tracker import TrackerCounts
from edge_lpr.vision.interpreter import runtime_name


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions of the program, of the two models, of their pair (its name), of the model runtime, and of Python."""

    program: str
    detector: str
    recognizer: str
    models: str
    runtime: str
    python: str

    @classmethod
    def of_pair(cls, pair: OpenedPair) -> Versions:
        """Returns the versions of ``pair``, with those of this program, runtime and Python."""
        detector, recognizer = pair.reader.models.detector.sidecar, pair.reader.models.recognizer.sidecar
        return cls(
            program=__version__,
            detector=detector.version,
            recognizer=recognizer.version,
            models=pair.name,
            runtime=runtime_name(),
            python=platform.python_version(),
        )


@dataclass(frozen=True, slots=True)
class Health:
    """One snapshot. ``at`` carries its UTC offset; ``uptime_s`` is in seconds."""

    device_id: str
    at: datetime
    uptime_s: float
    camera: CameraStatus
    publisher: PublisherStatus
    throughput: Throughput
    counts: TrackerCounts
    reading: ReadingStatus
    temperature_celsius: float | None
    throttling: Throttling | None
    clock_synchronized: bool
    versions: Versions

    def to_message(self) -> JsonObject:
        """Returns the payload of the topic ``health``; its schema is ``edge_lpr/messages/schemas/health.json``."""
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
                "State": self.reading.state,
                "FramesRead": self.reading.frames_read,
                "FramesIdle": self.reading.frames_idle,
                "FramesRested": self.reading.frames_rested,
            },
            "FramesPerSecond": self.throughput.fps,
            "ReadMilliseconds": self.throughput.read_ms,
            "LatencyMilliseconds": self.throughput.latency_ms,
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
        """Returns the snapshot as one line for ``systemctl status``."""
        broker, waiting = self.publisher.connection.state, self.publisher.outbox.waiting
        camera = self.camera.state if self.camera.fault is None else f"{self.camera.state} ({self.camera.fault})"
        return (
            f"camera {camera}, {self.reading.state}, {self.throughput.fps:.1f} frames/s; broker {broker}; "
            f"{self.counts.published} passages, {waiting} waiting"
        )


class HealthMonitor:
    """Publishes a snapshot every ``every_s`` seconds, and at once when camera, broker, load or ``versions`` change."""

    def __init__(self, device_id: str, versions: Versions, every_s: float, send: Callable[[JsonObject], None]) -> None:
        self._device_id = device_id
        self.versions = versions
        self.every_s = every_s
        self._send = send
        self._started_s = time.monotonic()
        self._sent_s: float | None = None
        self._sent_key: tuple[object, ...] | None = None
        self._state: GateState | None = None

    def publish_health(self, state: GateState, *, now: bool = False) -> Health | None:
        """Keeps ``state`` as the newest, and publishes a snapshot if one is due or ``now`` is set.

        Returns the snapshot that was published; None if there was none.
        """
        self._state = state
        # The state idle comes and goes with each vehicle and is not worth a message.
        load = None if state.reading.state == "idle" else state.reading.state
        key = (state.camera.state, state.camera.fault, state.publisher.connection.state, load, self.versions)
        is_due = self._sent_s is None or state.at_s - self._sent_s >= self.every_s
        if not now and not is_due and key == self._sent_key:
            return None
        self._sent_s = state.at_s
        self._sent_key = key
        health = self._snapshot(state)
        self._send(health.to_message())
        return health

    def state(self) -> GateState | None:
        """Returns the newest state; None before the first iteration. May be called from any thread."""
        return self._state

    def snapshot(self) -> Health | None:
        """Returns a snapshot of the newest state; None before the first iteration. May be called from any thread."""
        return None if self._state is None else self._snapshot(self._state)

    def _snapshot(self, state: GateState) -> Health:
        return Health(
            device_id=self._device_id,
            at=datetime.now().astimezone(),
            uptime_s=time.monotonic() - self._started_s,
            camera=state.camera,
            publisher=state.publisher,
            throughput=state.throughput,
            counts=state.counts,
            reading=state.reading,
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
