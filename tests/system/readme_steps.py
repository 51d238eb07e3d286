"""The commands that the README tells an installer to type at a gate, read from the README itself."""

from __future__ import annotations

from pathlib import Path

_BEGIN, _END = "## A gate: Raspberry Pi 4 or 5", "The start is over when"
_OTHER_SYSTEM = "# on Bookworm"
_CLONE = "sudo git clone <this repository> /opt/edge-lpr"
_NOT_ON_DEBIAN = " python3-picamera2"
"""The README: "On other Debian systems leave out `python3-picamera2`"."""


def install_steps(readme: Path) -> list[list[str]]:
    """The commands of each numbered step, as shell lines, for Trixie; the clone is left out, as only a person knows
    where this repository lies. Raises ValueError where the README has changed too much to be followed.
    """
    text = readme.read_text(encoding="utf-8")
    section = text[text.index(_BEGIN) : text.index(_END)]
    steps: list[list[str]] = []
    for line in section.splitlines():
        if line[:1].isdigit():
            steps.append([])
        elif line.startswith(" " * 7) and steps and _OTHER_SYSTEM not in line:
            steps[-1].append(line.split(" #")[0].strip().replace(_NOT_ON_DEBIAN, ""))
    commands = [command for step in steps for command in step]
    if len(steps) != 4 or _CLONE not in commands or not all(steps):
        raise ValueError(f"{readme}: the section {_BEGIN!r} no longer has its four steps; mend tests/system with it")
    return [[command for command in step if command != _CLONE] for step in steps]
