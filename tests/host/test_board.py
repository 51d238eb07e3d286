"""Temperature and throttling flags, read from a copy of the /sys tree."""

from __future__ import annotations

from pathlib import Path

from edge_lpr.host.board import Throttling, temperature_celsius, throttling


def test_a_raspberry_pi(tmp_path: Path) -> None:
    zone = tmp_path / "class/thermal/thermal_zone0"
    firmware = tmp_path / "devices/platform/soc/soc:firmware"
    zone.mkdir(parents=True)
    firmware.mkdir(parents=True)
    (zone / "temp").write_text("67894\n")
    (firmware / "get_throttled").write_text("50005\n")
    assert temperature_celsius(tmp_path) == 67.9
    assert throttling(tmp_path) == Throttling(
        under_voltage=True, frequency_capped=False, throttled=True, soft_temperature_limit=False, occurred=True
    )


def test_another_machine(tmp_path: Path) -> None:
    assert temperature_celsius(tmp_path) is None
    assert throttling(tmp_path) is None
