"""Settings of the section ``reader``."""

from __future__ import annotations

from pydantic import Field

from edge_lpr.config.types import LocalPath, Percent, Pixels, Seconds, Section

PHOTO_MIN_PLATE_WIDTH = 30
"""Smallest width in pixels of a plate that is read in the photo of a request. ``min_plate_width`` does not apply there:
it leaves out vehicles that are too far from the lane's camera."""


class ReaderSettings(Section):
    """The plate reader."""

    min_confidence: Percent = 80
    """Passages with a lower confidence are not published."""

    min_plate_width: Pixels = Field(default=60, ge=8, le=4096)
    """Plates that are narrower in the frame make no passage. In photos of API and capture requests, plates are read
    from 30 pixels on."""

    idle_look_s: Seconds = Field(default=1.0, ge=0, le=3)
    """Time between two frames that are read while nothing moves in a live camera's picture. 0: every frame is read.
    Recordings are always read completely."""

    threads: int = Field(default=2, ge=1, le=64)
    """Processor threads for the models."""

    models_dir: LocalPath | None = None
    """Folder with other models and their sidecars. ``null``: the pair that ``edge-lpr models install`` chose, or else
    the supplied pair."""
