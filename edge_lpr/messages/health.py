"""The health message: the state of the gate for an operator. Fields may be added; the present ones stay."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from edge_lpr.messages.base import Count, Message, Text, Timestamp

Milliseconds = Annotated[float, Field(ge=0)]
Pixels = Annotated[int, Field(ge=1)]


class HealthPart(Message):
    """A part of the health message. Subscribers ignore fields that they do not know."""

    model_config = ConfigDict(extra="ignore")


class CameraHealth(HealthPart):
    """The camera."""

    name: str
    state: Literal["starting", "running", "failed", "ended"]
    fault: Literal["hangs", "silent", "late", "frozen", "black", "noise"] | None
    """The present fault; null without one. hangs: a call to the camera does not return. silent: no pictures come. With
    the others pictures come: late (too far apart), frozen (always the same picture), black, noise."""
    last_error: str | None
    """The last fault, which may be over, and its remedy."""
    frames_captured: Count
    frames_dropped: Count
    """Frames that were replaced by newer ones before they were read."""
    reopened: Count
    width: Pixels | None
    """Of the last frame, in pixels."""
    height: Pixels | None
    """Of the last frame, in pixels."""


class BrokerHealth(HealthPart):
    """The connection that carried this message. A retained message describes the past."""

    state: Literal["stopped", "connecting", "connected", "refused", "unreachable", "misconfigured", "lost"]
    reason: str | None
    """What prevents the delivery; null when nothing does."""
    connects: Count
    failures: Count = 0
    """Consecutive attempts that failed, or whose connection lasted less than half a minute."""
    last_fault: str | None = None
    """The latest Reason. It stays when the connection is back."""
    last_fault_at: Timestamp | None = None
    """RFC 3339 with offset."""


class OutboxHealth(HealthPart):
    """The passages that wait for the broker."""

    waiting: Count
    """Passages that the broker has not acknowledged."""
    bytes: Count
    dropped: Count
    """Passages lost because the outbox was full."""
    expired: Count = 0
    """Passages deleted because they waited too long."""
    damaged: Count = 0
    """Passages that the disk damaged while they waited. They are set aside in the state folder."""
    durable: bool
    """False while passages wait in memory only, because the disk fails."""
    fault: str | None
    """What is wrong with the disk."""


class PassageCounts(HealthPart):
    """Passages since the start of the program."""

    published: Count
    repeats_suppressed: Count
    unsure: Count
    """Vehicles without a number good enough to publish."""
    overturned: Count = 0
    """Published numbers that later frames contradicted."""
    last_sequence: Count


class ReadingHealth(HealthPart):
    """What the reader does with the camera's frames."""

    state: Literal["normal", "idle", "busy", "hot", "throttled"]
    """idle: nothing moves, so few frames are read. busy: more than half of the frames come too fast. hot, throttled:
    fewer frames are read to spare the board."""
    frames_read: Count
    frames_idle: Count
    """Frames not read because nothing had moved."""
    frames_rested: Count
    """Frames not read to spare the board."""


class ServerHealth(HealthPart):
    """The process that serves API, page and requests; null where API and page are switched off."""

    state: Literal["starting", "running", "restarting", "stopped"]
    restarts: Count
    """How often it ended and was started again."""
    last_error: str | None
    """Why it ended the last time."""


class BoardThrottling(HealthPart):
    """The flags of a Raspberry Pi; null on other boards."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "boolean"}})

    under_voltage: bool
    frequency_capped: bool
    throttled: bool
    soft_temperature_limit: bool
    occurred: bool


class Versions(HealthPart):
    """Versions of the program, its models, the model runtime and Python."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "string"}})

    edge_lpr: str
    detector: str
    recognizer: str
    models: str = ""
    """The pair of models: shipped, the name that edge-lpr models list shows, or reader.models_dir."""
    runtime: str
    python: str


class HealthMessage(HealthPart):
    """QoS 0, retained. Fields may be added; those below stay."""

    model_config = ConfigDict(title="State of the gate, on <prefix>/<device>/health")

    device_id: Text
    at: Timestamp
    """RFC 3339 with offset."""
    uptime_seconds: Count
    camera: CameraHealth
    broker: BrokerHealth
    outbox: OutboxHealth
    passages: PassageCounts
    reading: ReadingHealth
    server: ServerHealth | None = None
    frames_per_second: Annotated[float, Field(ge=0)]
    """Frames read."""
    read_milliseconds: Milliseconds | None
    latency_milliseconds: Milliseconds | None
    temperature_celsius: float | None
    throttling: BoardThrottling | None
    clock_synchronized: bool
    versions: Versions
