"""Settings of the section ``reader``."""

from __future__ import annotations

from pydantic import Field

from edge_lpr.config.types import LocalPath, Percent, Section

PHOTO_MIN_PLATE_WIDTH = 30
"""Pixels. In a photo that somebody asks about, plates are read from this width on, whatever the lane's camera leaves
out as too far away."""


class ReaderSettings(Section):
    """The reader. ``min_confidence`` is 0 to 100, ``min_plate_width`` in pixels of the frame, ``*_s`` in seconds."""

    min_confidence: Percent = 80
    min_plate_width: int = Field(default=60, ge=8, le=4096)
    idle_look_s: float = Field(default=1.0, ge=0, le=3)
    threads: int = Field(default=2, ge=1, le=64)
    models_dir: LocalPath | None = None
