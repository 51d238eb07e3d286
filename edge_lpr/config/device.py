"""Settings of the section ``device``."""

from __future__ import annotations

from pathlib import Path

from edge_lpr.config.types import LocalPath, Section, TopicLevel


class DeviceSettings(Section):
    """This gate."""

    id: TopicLevel = "gate-1"
    """Name of this gate in topics and messages: 1 to 64 of ``A-Z a-z 0-9 . _ -``"""

    state_dir: LocalPath = Path("/var/lib/edge-lpr")
    """Folder for data that must survive a restart: waiting passages, the sequence number."""
