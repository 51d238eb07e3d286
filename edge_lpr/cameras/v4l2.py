"""Which /dev/video node a USB camera has now. The kernel gives out the numbers anew whenever one is plugged in.

Source: the V4L2 class in sysfs: ``name`` is the card's, ``index`` tells a device's nodes apart (0 is the one that
captures; others carry metadata), and the USB device above it has its ``serial``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")
DEV = Path("/dev")


@dataclass(frozen=True, slots=True)
class Node:
    """One capture node. ``serial`` is None where the camera tells none."""

    path: Path
    name: str
    serial: str | None


def nodes(sys: Path = SYS) -> list[Node]:
    """The capture nodes of this machine, by number."""
    found = []
    for entry in (sys / "class/video4linux").glob("video*"):
        name = _read(entry / "name")
        if name is not None and _read(entry / "index") in ("0", None):
            # device is the USB interface; the serial number belongs to the USB device above it.
            found.append(Node(DEV / entry.name, name, _read((entry / "device").resolve().parent / "serial")))
    return sorted(found, key=lambda node: (len(node.path.name), node.path.name))


def find(wanted: str, sys: Path = SYS) -> Path | None:
    """The node of the camera whose serial number or name is ``wanted``, or whose name begins so; the lowest number."""
    there = nodes(sys)
    for matches in (
        [node for node in there if node.serial == wanted],
        [node for node in there if node.name == wanted],
        [node for node in there if node.name.startswith(wanted)],
    ):
        if matches:
            return matches[0].path
    return None


def lasting_path(path: Path, dev: Path = DEV) -> Path | None:
    """The link in /dev/v4l/by-id that leads to ``path`` and stays when its number changes; None without one."""
    links = sorted((dev / "v4l/by-id").glob("*"))
    return next((link for link in links if link.resolve() == path.resolve()), None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None  # not every driver has every file
