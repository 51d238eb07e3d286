"""``edge-lpr setup``: asks for camera, broker and name, and writes the settings."""

from __future__ import annotations

import argparse

from edge_lpr.cli.options import add_config_option
from edge_lpr.setup.wizard import set_up


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--config``."""
    add_config_option(parser)


def run(options: argparse.Namespace) -> int:
    """Runs the wizard."""
    return set_up(options.config)
