"""What the systemd unit puts into the service's environment: a gate that is measured must run as it does on a pole."""

from __future__ import annotations

from pathlib import Path

UNIT = Path(__file__).resolve().parents[2] / "systemd" / "edge-lpr.service"


def unit_environment() -> dict[str, str]:
    """The unit's ``Environment=`` lines; among them is how the allocator holds memory."""
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    assignments = (line.removeprefix("Environment=") for line in lines if line.startswith("Environment="))
    return dict(assignment.split("=", 1) for assignment in assignments)
