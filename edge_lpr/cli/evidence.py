"""``edge-lpr evidence``: the kept pictures of passages."""

from __future__ import annotations

import argparse
import os
from datetime import date

from edge_lpr.cli.options import add_config_option
from edge_lpr.config import load_settings
from edge_lpr.config.lists import normalized_number
from edge_lpr.evidence import store
from edge_lpr.evidence.writer import evidence_folder
from edge_lpr.host.root_rights import act_as_owner_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds which pictures, and whether they are deleted."""
    add_config_option(parser)
    parser.add_argument("--number", help="only those of this plate number")
    parser.add_argument("--before", type=_day, metavar="DAY", help="only those of days before, such as 2025-03-01")
    parser.add_argument("--delete", action="store_true", help="delete what else would be listed")


def run(options: argparse.Namespace) -> int:
    """Lists the chosen pictures, or deletes them."""
    settings = load_settings(options.config, os.environ)
    folder = evidence_folder(settings.evidence, settings.device)
    act_as_owner_of(folder)
    number = None if options.number is None else normalized_number(options.number)
    chosen = store.select_pictures(folder, number=number, before=options.before)
    if options.delete:
        store.delete_pictures(folder, chosen)
        print(f"{len(chosen)} pictures deleted from {folder}")
    else:
        for kept in chosen:
            print(folder / kept.path)
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a day such as 2025-03-01") from error
