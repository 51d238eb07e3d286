"""Options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import ValidationError

from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, ReaderSettings
from edge_lpr.errors import ConfigError


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Adds ``--config``, the settings file."""
    default = Path("config.yaml")
    parser.add_argument("-c", "--config", type=Path, default=default, metavar="FILE", help=f"settings ({default})")


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of ``reader_settings``."""
    parser.add_argument("--models", type=Path, metavar="DIR", help="other models than the shipped ones")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads for the models")
    parser.add_argument("--min-plate-width", type=int, metavar="PIXELS", help="do not read narrower plates (30)")


def reader_settings(options: argparse.Namespace) -> ReaderSettings:
    """Returns the reader settings that the options give. Raises ConfigError for a number out of bounds."""
    given = {"models_dir": options.models, "threads": options.threads, "min_plate_width": options.min_plate_width}
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return ReaderSettings.model_validate({"min_plate_width": PHOTO_MIN_PLATE_WIDTH} | chosen)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        raise ConfigError(f"{option} {first['input']}: {first['msg'].lower()}") from error
