"""The log on stderr."""

from __future__ import annotations

import logging
import os


def set_up_logging(level: str, process: str = "") -> None:
    """Logs to stderr from ``level`` on. ``process`` goes before each line; the journal adds the time itself."""
    form = f"%(levelname)s {process}%(message)s"
    logging.basicConfig(level=level.upper(), format=form if "JOURNAL_STREAM" in os.environ else f"%(asctime)s {form}")
