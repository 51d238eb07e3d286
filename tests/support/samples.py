"""One message of each kind, for tests of the schemas and of subscribers."""

from __future__ import annotations

import platform
from datetime import datetime, timedelta, timezone

from edge_lpr import __version__
from edge_lpr.geometry import Rect
from edge_lpr.messages.answer import NO_PLATE_CODE, error_answer
from edge_lpr.messages.event import plate_message
from edge_lpr.messages.health import (
    BrokerHealth,
    CameraHealth,
    HealthMessage,
    OutboxHealth,
    PassageCounts,
    ReadingHealth,
    Versions,
)
from edge_lpr.messages.statistics import statistics_message
from edge_lpr.passages import Crossing, Direction, Evidence, ListMatch, Passage
from edge_lpr.plates import Category, Color

AT = datetime(2025, 3, 1, 8, 15, 2, 480000, timezone(timedelta(hours=8)))

PASSAGE = Passage(
    number="京AF0236",
    confidence=99,
    color=Color.BLUE,
    category=Category.STANDARD,
    rows=1,
    rect=Rect(426, 423, 135, 66),
    first_seen_at=AT - timedelta(milliseconds=360),
    captured_at=AT,
    frames=9,
    direction=Direction.APPROACHING,
    crossing=Crossing.IN,
    matches=(ListMatch("known", "京AF0236", 0),),
    evidence=Evidence("2025-03-01/081502480-京AF0236-crop.jpg", None),
)

PLATE = plate_message(
    PASSAGE,
    request_id="5141467c-0a67-4f7c-b1c5-8147d84681a1",
    sequence=17,
    device_id="gate-1",
    camera_id="camera-1",
    clock_synchronized=True,
    published_at=AT + timedelta(milliseconds=251),
)

HEALTH = HealthMessage(
    device_id="gate-1",
    at=AT,
    uptime_seconds=3600,
    camera=CameraHealth(
        name="USB camera /dev/video0",
        state="running",
        fault=None,
        last_error=None,
        frames_captured=100,
        frames_dropped=3,
        reopened=0,
        width=1280,
        height=720,
    ),
    broker=BrokerHealth(state="connected", reason=None, connects=1),
    outbox=OutboxHealth(waiting=0, bytes=0, dropped=0, durable=True, fault=None),
    passages=PassageCounts(published=17, repeats_suppressed=1, unsure=0, last_sequence=17),
    reading=ReadingHealth(state="normal", frames_read=90, frames_idle=7, frames_rested=0),
    frames_per_second=12.5,
    read_milliseconds=40.0,
    latency_milliseconds=61.0,
    temperature_celsius=51.5,
    throttling=None,
    clock_synchronized=True,
    versions=Versions(
        edge_lpr=__version__,
        detector="1.0.0",
        recognizer="1.1.0",
        models="shipped",
        runtime="ai_edge_litert",
        python=platform.python_version(),
    ),
)

STATISTICS = statistics_message(PASSAGE, vehicle="00112233445566778899aabbccddeeff", device_id="gate-1")

PLATE_MESSAGE = PLATE.to_json()
HEALTH_MESSAGE = HEALTH.to_json()
STATISTICS_MESSAGE = STATISTICS.to_json()
ERROR_MESSAGE = error_answer(NO_PLATE_CODE, "No license plate was found.", "5141467c").to_json()
