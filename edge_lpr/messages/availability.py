"""Availability: whether the gate is connected, as one word without JSON."""

from __future__ import annotations

from enum import StrEnum


class Availability(StrEnum):
    """QoS 1, retained, also the last will. The word alone, as text without quotation marks."""

    ONLINE = "online"
    OFFLINE = "offline"
