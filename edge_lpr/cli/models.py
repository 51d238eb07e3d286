"""``edge-lpr models``: the pairs of models of a gate."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from edge_lpr.cli.options import add_config_option
from edge_lpr.config import ReaderSettings, Settings, load_settings
from edge_lpr.host.root_rights import act_as_owner_of
from edge_lpr.model_store.actions import install, list_pairs, pack, roll_back, verify


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the commands ``list``, ``verify``, ``install``, ``rollback`` and ``pack``."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    listing = commands.add_parser("list", help="the pairs there are, and which is in use")
    add_config_option(listing)
    listing.set_defaults(action=_list)

    verifying = commands.add_parser("verify", help="check an archive as install does; changes nothing")
    verifying.add_argument("archive", type=Path, metavar="FILE")
    verifying.set_defaults(action=_verify)

    installing = commands.add_parser("install", help="check an archive, and read with its pair from now on")
    installing.add_argument("archive", type=Path, metavar="FILE")
    add_config_option(installing)
    installing.set_defaults(action=_install)

    rollback = commands.add_parser("rollback", help="read with the pair before")
    rollback.add_argument("--shipped", action="store_true", help="with the one that came with the program")
    add_config_option(rollback)
    rollback.set_defaults(action=_roll_back)

    packing = commands.add_parser("pack", help="make an archive of a folder with the four files of a pair")
    packing.add_argument("folder", type=Path, metavar="DIR")
    packing.add_argument("archive", type=Path, metavar="FILE")
    packing.set_defaults(action=_pack)


def run(options: argparse.Namespace) -> int:
    """Runs the chosen command and prints its result."""
    options.action(options)
    return 0


def _list(options: argparse.Namespace) -> None:
    for pair in list_pairs(_settings(options)):
        print(f"{pair.name:12}  {pair.use:6}  {pair.text}")


def _verify(options: argparse.Namespace) -> None:
    print(f"{options.archive}: {verify(options.archive, ReaderSettings())}")


def _install(options: argparse.Namespace) -> None:
    print(install(options.archive, _settings(options)))


def _roll_back(options: argparse.Namespace) -> None:
    print(roll_back(_settings(options), to_shipped=options.shipped))


def _pack(options: argparse.Namespace) -> None:
    print(pack(options.folder, options.archive, ReaderSettings()))


def _settings(options: argparse.Namespace) -> Settings:
    """Loads the settings, and works with the rights of the state folder's owner from now on. Raises ConfigError."""
    settings = load_settings(options.config, os.environ)
    act_as_owner_of(settings.device.state_dir)
    return settings
