"""Health: the state of the gate as one message, for a remote operator."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

from edge_lpr import __version__
from edge_lpr.cameras import CameraStatus
from edge_lpr.host.board import Throttling, temperature_celsius, throttling
from edge_lpr.host.clock import clock_synchronized
from edge_lpr.link.messages import GateUpdate
from edge_lpr.messages.health import (
    BoardThrottling,
    BrokerHealth,
    CameraHealth,
    HealthMessage,
    OutboxHealth,
    PassageCounts,
    ReadingHealth,
    ServerHealth,
    Versions,
)
from edge_lpr.model_store.loading import OpenedPair
from edge_lpr.mqtt.outbox import OutboxStatus
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.gate_state import GateState
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.tracking.tracker import TrackerCounts
from edge_lpr.vision.interpreter import runtime_name


class HealthMonitor:
    """Publishes a snapshot every ``every_s`` seconds, and at once when camera, broker, load or ``versions`` change."""

    def __init__(
        self, device_id: str, versions: Versions, every_s: float, send: Callable[[HealthMessage], None]
    ) -> None:
        self._device_id = device_id
        self.versions = versions
        self.every_s = every_s
        self._send = send
        self._started_s = time.monotonic()
        self._sent_s: float | None = None
        self._sent_key: tuple[object, ...] | None = None
        self._state: GateState | None = None
        self.read_server: Callable[[], ServerHealth | None] = lambda: None
        """Returns the state of the server process, None without one."""

    def publish_health(self, state: GateState, *, now: bool = False) -> HealthMessage | None:
        """Keeps ``state`` as the newest, and publishes a snapshot if one is due or ``now`` is set.

        Returns the snapshot that was published; None if there was none.
        """
        self._state = state
        # The state idle changes with each vehicle, so it triggers no message.
        load = None if state.reading.state == "idle" else state.reading.state
        key = (state.camera.state, state.camera.fault, state.publisher.connection.state, load, self.versions)
        is_due = self._sent_s is None or state.at_s - self._sent_s >= self.every_s
        if not now and not is_due and key == self._sent_key:
            return None
        self._sent_s = state.at_s
        self._sent_key = key
        health = self._snapshot(state)
        self._send(health)
        return health

    def update(self) -> GateUpdate | None:
        """Returns the newest state for the server; None before the first iteration. May be called from any thread."""
        state = self._state
        return None if state is None else GateUpdate(self._snapshot(state), state.at_s, state.camera.is_blind)

    def _snapshot(self, state: GateState) -> HealthMessage:
        return HealthMessage(
            device_id=self._device_id,
            at=datetime.now().astimezone(),
            uptime_seconds=round(time.monotonic() - self._started_s),
            camera=_camera(state.camera),
            broker=_broker(state.publisher),
            outbox=_outbox(state.publisher.outbox),
            passages=_passages(state.counts, state.publisher.outbox.last_sequence),
            reading=_reading(state.reading),
            server=self.read_server(),
            frames_per_second=state.throughput.fps,
            read_milliseconds=state.throughput.read_ms,
            latency_milliseconds=state.throughput.latency_ms,
            temperature_celsius=temperature_celsius(),
            throttling=_throttling(throttling()),
            clock_synchronized=clock_synchronized(),
            versions=self.versions,
        )


def versions_of(pair: OpenedPair) -> Versions:
    """Returns the versions of ``pair``, with those of this program, runtime and Python."""
    detector, recognizer = pair.reader.models.detector.sidecar, pair.reader.models.recognizer.sidecar
    return Versions(
        edge_lpr=__version__,
        detector=detector.version,
        recognizer=recognizer.version,
        models=pair.name,
        runtime=runtime_name(),
        python=platform.python_version(),
    )


def status_line(health: HealthMessage) -> str:
    """Returns the message as one line for ``systemctl status``."""
    camera = health.camera.state if health.camera.fault is None else f"{health.camera.state} ({health.camera.fault})"
    return (
        f"camera {camera}, {health.reading.state}, {health.frames_per_second:.1f} frames/s; "
        f"broker {health.broker.state}; {health.passages.published} passages, {health.outbox.waiting} waiting"
    )


def _camera(camera: CameraStatus) -> CameraHealth:
    width, height = camera.size or (None, None)
    return CameraHealth(
        name=camera.name,
        state=camera.state,
        fault=camera.fault,
        last_error=camera.last_error,
        frames_captured=camera.frames_captured,
        frames_dropped=camera.frames_dropped,
        reopened=camera.reopened,
        width=width,
        height=height,
    )


def _broker(publisher: PublisherStatus) -> BrokerHealth:
    broker = publisher.connection
    return BrokerHealth(
        state=broker.state,
        reason=broker.reason or publisher.refusal,
        connects=broker.connects,
        failures=broker.failures,
        last_fault=broker.last_fault,
        last_fault_at=broker.last_fault_at,
    )


def _outbox(outbox: OutboxStatus) -> OutboxHealth:
    return OutboxHealth(
        waiting=outbox.waiting,
        bytes=outbox.bytes,
        dropped=outbox.dropped,
        expired=outbox.expired,
        damaged=outbox.damaged,
        durable=outbox.durable,
        fault=outbox.fault,
    )


def _passages(counts: TrackerCounts, last_sequence: int) -> PassageCounts:
    return PassageCounts(
        published=counts.published,
        repeats_suppressed=counts.repeats,
        unsure=counts.unsure,
        overturned=counts.overturned,
        last_sequence=last_sequence,
    )


def _reading(reading: ReadingStatus) -> ReadingHealth:
    return ReadingHealth(
        state=reading.state,
        frames_read=reading.frames_read,
        frames_idle=reading.frames_idle,
        frames_rested=reading.frames_rested,
    )


def _throttling(flags: Throttling | None) -> BoardThrottling | None:
    return None if flags is None else BoardThrottling.model_validate(asdict(flags))
