"""``edge-lpr run``: the service."""

from __future__ import annotations

import argparse
import os

from edge_lpr.cli.options import add_config_option
from edge_lpr.config import load_settings
from edge_lpr.config.settings_file import SettingsFile
from edge_lpr.host.root_rights import act_as_owner_of
from edge_lpr.service.lifecycle import run_service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds ``--config``."""
    add_config_option(parser)


def run(options: argparse.Namespace) -> int:
    """Runs the service until it is stopped or a recording ends."""
    act_as_owner_of(load_settings(options.config, os.environ).device.state_dir)
    return run_service(SettingsFile(options.config, os.environ).load, options.config)
