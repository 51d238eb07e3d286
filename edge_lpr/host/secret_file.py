"""Files that hold a secret: reading one, and a warning when every user of the machine can read it."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

MAX_BYTES = 65536
"""More than an MQTT password (65,535 bytes) or a token may have."""

_log = logging.getLogger(__name__)


def read_secret(path: Path) -> str:
    """Returns the text of ``path`` without the line end. Raises OSError and UnicodeDecodeError."""
    with path.open("rb") as file:
        return file.read(MAX_BYTES).decode("utf-8").rstrip("\r\n")


def warn_if_world_readable(path: Path) -> None:
    """Logs a warning when every user of this machine can read ``path``. Raises OSError."""
    if path.stat().st_mode & stat.S_IROTH:
        _log.warning("%s can be read by every user of this machine; remove that permission with chmod o-r", path)
