"""``edge-lpr evaluate``: accuracy on labelled photos or crops."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from edge_lpr.cli.options import add_reader_options, reader_settings
from edge_lpr.evaluation import accuracy
from edge_lpr.vision.reader import PlateReader

REPORT_WIDTH = 120
"""Columns of a table that goes to a file or a pipe, which have no width of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the truth files and how the result is shown."""
    parser.add_argument("truth", nargs="+", type=Path, metavar="DIR_OR_TRUTH", help="a truth file or its folder")
    parser.add_argument("--split", default="val", metavar="NAME", help="the part of the data (default: val)")
    parser.add_argument("--misses", type=Path, metavar="PNG", help="draw what was misread as one picture")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")
    add_reader_options(parser)


def run(options: argparse.Namespace) -> int:
    """Reads the photos, and prints the figures as tables or as JSON."""
    console = Console(stderr=options.json)
    if not console.is_terminal:
        console = Console(stderr=options.json, width=REPORT_WIDTH)
    reader = PlateReader.open(reader_settings(options))
    result = accuracy.evaluate_photos(options.truth, reader, options.split, options.misses, console)
    if options.json:
        print(json.dumps(result.to_json(), ensure_ascii=False))
    else:
        accuracy.print_result(result, console)
    return 0
