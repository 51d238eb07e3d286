"""Settings of the section ``device``."""

from __future__ import annotations

from pathlib import Path

from edge_lpr.config.types import LocalPath, Section, TopicLevel


class DeviceSettings(Section):
    """This gate."""

    id: TopicLevel = "gate-1"
    state_dir: LocalPath = Path("/var/lib/edge-lpr")
