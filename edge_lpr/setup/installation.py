"""The service's user, folders and unit: the commands of docs/install.md, run as root or shown to other users."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

from edge_lpr.errors import EdgeLprError
from edge_lpr.setup.files import GROUP

HOME = Path("/opt/edge-lpr")
CONFIG = Path("/etc/edge-lpr/config.yaml")
PROGRAM = HOME / "venv/bin/edge-lpr"
"""Paths that the systemd unit uses; docs/install.md installs to the same paths."""

STEPS = (
    "sudo install -m 644 /opt/edge-lpr/systemd/edge-lpr.sysusers /usr/lib/sysusers.d/edge-lpr.conf",
    "sudo systemd-sysusers",
    "sudo install -d -m 750 -g edge-lpr /etc/edge-lpr",
    "sudo install -d -m 750 -o edge-lpr -g edge-lpr /var/lib/edge-lpr",
    "sudo install -m 644 /opt/edge-lpr/systemd/edge-lpr.service /etc/systemd/system/edge-lpr.service",
    "sudo systemctl daemon-reload",
    "sudo systemctl enable edge-lpr",
    # A running service must take the new settings. It may wait long for its camera, so this does not wait for it.
    "sudo systemctl restart --no-block edge-lpr",
)


class InstallationError(EdgeLprError):
    """One of the commands failed."""


def why_not(config: Path) -> str:
    """Returns why this program cannot run as the service of the systemd unit; "" if it can."""
    if not (HOME / "systemd/edge-lpr.service").is_file() or not PROGRAM.is_file():
        return f"the service's unit starts {PROGRAM}, and the program is not installed there"
    if config.absolute() != CONFIG:
        return f"the service's unit reads {CONFIG}, not {config.absolute()}"
    return "" if shutil.which("systemctl") else "there is no systemd here"


def steps(secrets: list[Path]) -> list[str]:
    """Returns the commands to type. ``secrets`` are files that the service's group must be able to read."""
    readable = [f"sudo chgrp {GROUP} {shlex.quote(str(path))}" for path in secrets]
    return [*STEPS[:4], *readable, *STEPS[4:]]


def may_install() -> bool:
    """Returns whether the user is root."""
    return os.geteuid() == 0


def install(commands: list[str]) -> None:
    """Shows and runs each command. Raises InstallationError at the first failure."""
    for command in commands:
        words = shlex.split(command)[1:]  # without sudo: the user is root
        print(f"  $ {shlex.join(words)}", flush=True)
        try:
            code = subprocess.run(words, stdin=subprocess.DEVNULL, check=False).returncode
        except OSError as error:
            raise InstallationError(f"{words[0]} cannot be run: {error.strerror}; the settings are written") from error
        if code:
            raise InstallationError(f"{shlex.join(words)} failed ({code}); the settings are written")
