"""The environment of the systemd unit, so that a measured gate runs as it does in the field."""

from __future__ import annotations

from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "edge-lpr.service"


def unit_environment() -> dict[str, str]:
    """Returns the variables of the ``Environment=`` lines, for example the allocator settings."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    assignments = (line.removeprefix("Environment=") for line in lines if line.startswith("Environment="))
    return dict(assignment.split("=", 1) for assignment in assignments)
