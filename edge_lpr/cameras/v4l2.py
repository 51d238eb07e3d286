"""Finds the /dev/video node of a USB camera. The kernel assigns the numbers again when a camera is plugged in.

Source: the V4L2 class in sysfs. ``name`` is the name of the card. ``index`` numbers the nodes of one device: 0 is the
capture node, others carry metadata. The USB device above the node has the ``serial`` number.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")
DEV = Path("/dev")


@dataclass(frozen=True, slots=True)
class Node:
    """One capture node. ``serial`` is None for a camera without a serial number."""

    path: Path
    name: str
    serial: str | None


def nodes(sys: Path = SYS) -> list[Node]:
    """Returns the capture nodes of this machine, sorted by number."""
    found = []
    for entry in (sys / "class/video4linux").glob("video*"):
        name = _read(entry / "name")
        if name is not None and _read(entry / "index") in ("0", None):
            # "device" is the USB interface. The serial number belongs to the USB device above it.
            found.append(Node(DEV / entry.name, name, _read((entry / "device").resolve().parent / "serial")))
    return sorted(found, key=lambda node: (len(node.path.name), node.path.name))


def find(text: str, sys: Path = SYS) -> Path | None:
    """Returns the node of the camera with this serial number, this name, or a name that begins with ``text``.

    The matches are tried in this order. Of several nodes the one with the lowest number is returned; None without one.
    """
    found = nodes(sys)
    for matches in (
        [node for node in found if node.serial == text],
        [node for node in found if node.name == text],
        [node for node in found if node.name.startswith(text)],
    ):
        if matches:
            return matches[0].path
    return None


def lasting_path(path: Path, dev: Path = DEV) -> Path | None:
    """Returns the link in /dev/v4l/by-id to ``path``, which stays valid when the number changes; None without one."""
    links = sorted((dev / "v4l/by-id").glob("*"))
    return next((link for link in links if link.resolve() == path.resolve()), None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or None
    except OSError:
        return None  # Some drivers lack some of these files.
