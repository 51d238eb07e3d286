"""The arguments of ``edge-lpr models``, and from them to its commands."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_lpr.config import Settings

# As in the command line's own file, each command imports what it needs.


def add_commands(models: argparse.ArgumentParser, add_config: Callable[[argparse.ArgumentParser], None]) -> None:
    """Give ``models`` its commands; ``add_config`` adds the option that names the settings."""
    commands = models.add_subparsers(metavar="COMMAND", required=True)

    listing = commands.add_parser("list", help="the pairs there are, and which is in use")
    add_config(listing)
    listing.set_defaults(command=_list)

    verify = commands.add_parser("verify", help="check an archive as install does; changes nothing")
    verify.add_argument("archive", type=Path, metavar="FILE")
    verify.set_defaults(command=_verify)

    install = commands.add_parser("install", help="check an archive, and read with its pair from now on")
    install.add_argument("archive", type=Path, metavar="FILE")
    add_config(install)
    install.set_defaults(command=_install)

    rollback = commands.add_parser("rollback", help="read with the pair before")
    rollback.add_argument("--shipped", action="store_true", help="with the one that came with the program")
    add_config(rollback)
    rollback.set_defaults(command=_roll_back)

    pack = commands.add_parser("pack", help="make an archive of a folder with the four files of a pair")
    pack.add_argument("folder", type=Path, metavar="DIR")
    pack.add_argument("archive", type=Path, metavar="FILE")
    pack.set_defaults(command=_pack)


def _list(options: argparse.Namespace) -> int:
    from edge_lpr.model_store.actions import list_pairs

    for pair in list_pairs(_settings(options)):
        print(f"{pair.name:12}  {pair.use:6}  {pair.text}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from edge_lpr.config import ReaderSettings
    from edge_lpr.model_store.actions import verify

    print(f"{options.archive}: {verify(options.archive, ReaderSettings())}")
    return 0


def _install(options: argparse.Namespace) -> int:
    from edge_lpr.model_store.actions import install

    print(install(options.archive, _settings(options)))
    return 0


def _roll_back(options: argparse.Namespace) -> int:
    from edge_lpr.model_store.actions import roll_back

    print(roll_back(_settings(options), to_shipped=options.shipped))
    return 0


def _pack(options: argparse.Namespace) -> int:
    from edge_lpr.config import ReaderSettings
    from edge_lpr.model_store.actions import pack

    print(pack(options.folder, options.archive, ReaderSettings()))
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    """Raises ConfigError."""
    from edge_lpr.config import load_settings

    return load_settings(options.config, os.environ)
