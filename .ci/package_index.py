"""The package index for uv, which does not read pip's settings."""

from __future__ import annotations

import os
import subprocess
import sys


def environ_for_uv() -> dict[str, str]:
    """Returns this process's environment, with pip's package index for uv."""
    command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = (
        os.environ.get("PIP_INDEX_URL")
        or subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    )
    return {**os.environ, **({"UV_DEFAULT_INDEX": index} if index else {})}
