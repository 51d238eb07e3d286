"""Settings of the section ``privacy``."""

from __future__ import annotations

from pydantic import Field

from edge_lpr.config.types import Days, Section


class PrivacySettings(Section):
    """Other data about vehicles that is kept or sent. See docs/privacy.md."""

    images: bool = True
    """false: no picture is kept, and capture requests get no picture. Needs ``evidence.keep: off``."""

    statistics: bool = False
    """true: each passage also goes to the topic statistics. Its number is replaced by a keyed hash."""

    statistics_key_days: Days = Field(default=1, ge=1, le=366)
    """The hash's key is deleted after this time and a new one is used. Until then a vehicle has the same hash."""
