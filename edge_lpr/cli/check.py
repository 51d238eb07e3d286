"""``edge-lpr check``: what works, what does not, and what to do about it."""

from __future__ import annotations

import argparse
import os

from edge_lpr.check.report import check
from edge_lpr.cli.options import add_config_option
from edge_lpr.config import load_settings
from edge_lpr.host.root_rights import act_as_owner_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--config``."""
    add_config_option(parser)


def run(options: argparse.Namespace) -> int:
    """Checks everything and prints each finding."""
    act_as_owner_of(load_settings(options.config, os.environ).device.state_dir)
    return check(options.config, os.environ)
