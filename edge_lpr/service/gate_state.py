"""The state of the gate after one iteration of the frame loop."""

from __future__ import annotations

from dataclasses import dataclass

from edge_lpr.cameras import CameraStatus
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.service.throughput import Throughput
from edge_lpr.tracking.tracker import TrackerCounts


@dataclass(frozen=True, slots=True)
class GateState:
    """One moment. ``at_s`` is in seconds on the monotonic clock."""

    at_s: float
    camera: CameraStatus
    publisher: PublisherStatus
    throughput: Throughput
    counts: TrackerCounts
    reading: ReadingStatus
