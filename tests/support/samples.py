"""One message of each kind, as the code makes it, for tests of what describes or receives them."""

from __future__ import annotations

import platform
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from edge_lpr import __version__
from edge_lpr.cameras import CameraStatus
from edge_lpr.geometry import Rect
from edge_lpr.messages import payloads as messages
from edge_lpr.messages.payloads import JsonObject
from edge_lpr.mqtt.connection import ConnectionStatus
from edge_lpr.mqtt.outbox import OutboxStatus
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.passages import Crossing, Direction, Evidence, ListMatch, Passage
from edge_lpr.plates import Category, Color
from edge_lpr.service.health import Health, Versions
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.service.statistics import Pseudonyms, statistic
from edge_lpr.service.throughput import Throughput
from edge_lpr.tracking.tracker import TrackerCounts

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


def _plate() -> JsonObject:
    happened = messages.event(PASSAGE, sequence=17, device_id="gate-1", camera_id="camera-1", clock_synchronized=True)
    response = messages.passage_response(PASSAGE, "5141467c-0a67-4f7c-b1c5-8147d84681a1")
    return messages.stamped({**response, "Event": happened}, AT + timedelta(milliseconds=251), replayed=False)


def _health() -> JsonObject:
    camera = CameraStatus("USB camera /dev/video0", "running", None, 100, 3, 0, 0.04, size=(1280, 720))
    outbox = OutboxStatus(0, 0, 0, 0, 17, True, None, None)
    publisher = PublisherStatus(ConnectionStatus("connected", None, AT, 1), outbox, None)
    versions = Versions(__version__, "1.0.0", "1.1.0", "shipped", "ai_edge_litert", platform.python_version())
    counts, work, pace = TrackerCounts(17, 1, 0, 0), ReadingStatus("normal", 90, 7, 0), Throughput(12.5, 40.0, 61.0)
    return Health(
        "gate-1", AT, 3600.0, camera, publisher, pace, counts, work, 51.5, None, True, versions
    ).to_message()  # fmt: skip


def _statistics() -> JsonObject:
    with TemporaryDirectory() as folder:
        pseudonyms = Pseudonyms(Path(folder), 1)
        pseudonyms.of(PASSAGE.number, date(2025, 3, 1))
        return statistic(PASSAGE, pseudonyms, "gate-1")


PLATE_MESSAGE = _plate()
HEALTH_MESSAGE = _health()
STATISTICS_MESSAGE = _statistics()
ERROR_MESSAGE = messages.error_response(messages.NO_PLATE_CODE, "No license plate was found.", "5141467c")
