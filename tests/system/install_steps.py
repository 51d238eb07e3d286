"""Reads the installation commands for a gate from docs/install.md."""

from __future__ import annotations

from pathlib import Path

DOCUMENT = Path("docs", "install.md")
"""Below the root of the checkout."""

_BEGIN, _END = "## Four steps", "The service has started when"
_SUITES = ("bookworm", "trixie")
_CLONE = "sudo git clone <this repository> /opt/edge-lpr"
_NOT_ON_DEBIAN = " python3-picamera2"
"""The document: "On other Debian systems, leave out `python3-picamera2`"."""


def install_steps(checkout: Path, suite: str = "trixie", repository: str | None = None) -> list[list[str]]:
    """Returns the commands of each numbered step, as shell lines, for one Debian suite.

    The repository is cloned from ``repository``; with None that command is omitted, because the document does not have
    its address. Raises ValueError if the document has changed so much that the steps cannot be read.
    """
    document = checkout / DOCUMENT
    text = document.read_text(encoding="utf-8")
    section = text[text.index(_BEGIN) : text.index(_END)]
    other_systems = [f"# on {name.capitalize()}" for name in _SUITES if name != suite]
    steps: list[list[str]] = []
    for line in section.splitlines():
        if line[:1].isdigit():
            steps.append([])
        elif line.startswith(" " * 7) and steps and not line.endswith(tuple(other_systems)):
            steps[-1].append(line.split(" #")[0].strip().replace(_NOT_ON_DEBIAN, ""))
    commands = [command for step in steps for command in step]
    if len(steps) != 4 or _CLONE not in commands or not all(steps):
        raise ValueError(
            f"{document}: the section {_BEGIN!r} does not have its four steps; change tests/system with it"
        )
    place = {_CLONE: None if repository is None else _CLONE.replace("<this repository>", repository)}
    followed = [[place.get(command, command) for command in step] for step in steps]
    return [[command for command in step if command is not None] for step in followed]
