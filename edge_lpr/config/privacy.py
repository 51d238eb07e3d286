"""Settings of the section ``privacy``."""

from __future__ import annotations

from pydantic import Field

from edge_lpr.config.types import Section


class PrivacySettings(Section):
    """What leaves the device beside passages. ``statistics_key_days`` in days."""

    images: bool = True
    statistics: bool = False
    statistics_key_days: int = Field(default=1, ge=1, le=366)
