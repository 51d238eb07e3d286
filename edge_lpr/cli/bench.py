"""``edge-lpr bench``: the reader's speed on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from edge_lpr.cli.options import add_reader_options, reader_settings
from edge_lpr.evaluation import benchmark
from edge_lpr.images import load_image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the photo to read and how often."""
    parser.add_argument("--photo", type=Path, help="a photo to read (default: a drawn frame of 1280 x 720)")
    parser.add_argument("--repeats", type=_count, default=50, metavar="N", help="how often it is read (default: 50)")
    add_reader_options(parser)


def run(options: argparse.Namespace) -> int:
    """Measures, and prints the table."""
    image = None if options.photo is None else load_image(options.photo)
    console = Console()
    result = benchmark.run_benchmark(reader_settings(options), image, options.repeats, console)
    benchmark.print_result(result, console)
    return 0


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return number
