"""Reads the board's sensors: temperature and throttling flags. A machine without a sensor gives None."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_SYS = Path("/sys")


@dataclass(frozen=True, slots=True)
class Throttling:
    """The throttling flags of the Raspberry Pi's firmware.

    The first four are the present state. ``occurred``: at least one of them has been set since power-on. Source: the
    documentation of ``vcgencmd get_throttled``; the kernel gives the same word in sysfs.
    """

    under_voltage: bool
    frequency_capped: bool
    throttled: bool
    soft_temperature_limit: bool
    occurred: bool


def temperature_celsius(sys: Path = _SYS) -> float | None:
    """Returns the processor's temperature in degrees Celsius, rounded to one decimal."""
    text = _read(sys / "class/thermal/thermal_zone0/temp")
    return None if text is None or not text.lstrip("-").isdigit() else round(int(text) / 1000, 1)


def throttling(sys: Path = _SYS) -> Throttling | None:
    """Returns the firmware's flags."""
    for path in sorted(sys.glob("devices/platform/soc*/*firmware/get_throttled")):
        text = _read(path)
        if text is not None:
            word = int(text, 16)
            return Throttling(
                under_voltage=bool(word & 1 << 0),
                frequency_capped=bool(word & 1 << 1),
                throttled=bool(word & 1 << 2),
                soft_temperature_limit=bool(word & 1 << 3),
                occurred=bool(word >> 16),
            )
    return None


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return None  # this machine has no such sensor
