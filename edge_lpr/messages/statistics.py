"""The statistics message: one passage without its number."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from edge_lpr.messages.base import Message, Text, Timestamp
from edge_lpr.passages import Crossing, Direction, Passage
from edge_lpr.plates import Category, Color


class StatisticsMessage(Message):
    """QoS 1, not retained, sent once and not kept for a broker that is away. Only where privacy.statistics is true."""

    model_config = ConfigDict(title="One passage without its number, on <prefix>/<device>/statistics")

    device_id: Text
    hour: Timestamp
    """The hour of the passage. RFC 3339 with offset."""
    vehicle: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """A keyed hash of the number. It stays the same for one vehicle at this gate for privacy.statistics_key_days."""
    color: Color
    license_plate_category: Category
    direction: Direction
    crossing: Crossing | None


def statistics_message(passage: Passage, *, vehicle: str, device_id: str) -> StatisticsMessage:
    """Returns the message of a passage: no number, no picture, no exact time. ``vehicle`` replaces the number."""
    at = passage.captured_at
    return StatisticsMessage(
        device_id=device_id,
        hour=datetime(at.year, at.month, at.day, at.hour, tzinfo=at.tzinfo),
        vehicle=vehicle,
        color=passage.color,
        license_plate_category=passage.category,
        direction=passage.direction,
        crossing=passage.crossing,
    )
