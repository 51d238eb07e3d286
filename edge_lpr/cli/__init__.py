"""The command line, and nothing but: it reads arguments, calls a room, prints, and turns errors into exit codes.

Exit codes: 0 done, 1 the work failed, 2 the user's input is wrong. Results go to stdout, complaints to stderr.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge_lpr import __version__
from edge_lpr.cli import models as models_arguments
from edge_lpr.errors import ConfigError, EdgeLprError

if TYPE_CHECKING:
    from edge_lpr.config import ReaderSettings
    from edge_lpr.vision.reader import PlateReader

REPORT_WIDTH = 120
"""Columns of a table that goes to a file or a pipe, where nothing tells the width."""

INTERRUPTED = 130
"""128 + SIGINT, as a shell reports it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A path that is not UTF-8, or a terminal that has no Chinese, must not end the work.
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        code = command(options)
        sys.stdout.flush()
        return code
    except ConfigError as error:
        _complain(str(error))
        for fault in error.faults:
            _complain(f"  {fault}", prefix="")
        return error.exit_code
    except EdgeLprError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away, as `| head` does. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


class _Parser(argparse.ArgumentParser):
    """Complains in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="edge-lpr", description="A number-plate reader for a parking gate.")
    parser.add_argument("--version", action="version", version=f"edge-lpr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    run = commands.add_parser("run", help="the service: camera in, passages out over MQTT")
    _add_config(run)
    run.set_defaults(command=_run)

    recognize = commands.add_parser("recognize", help="read the plates in photos")
    recognize.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="a JPEG, PNG, BMP or WebP photo")
    recognize.add_argument("--json", action="store_true", help="one line of JSON for each photo, as the API answers")
    recognize.add_argument("--crop", action="store_true", help="each picture is a plate already cut out")
    _add_reader(recognize)
    recognize.set_defaults(command=_recognize)

    evaluate = commands.add_parser("evaluate", help="accuracy on labelled photos or crops")
    evaluate.add_argument("truth", nargs="+", type=Path, metavar="DIR_OR_TRUTH", help="a truth file or its folder")
    evaluate.add_argument("--split", default="val", metavar="NAME", help="the part of the data (default: val)")
    evaluate.add_argument("--misses", type=Path, metavar="PNG", help="draw what was misread as one picture")
    evaluate.add_argument("--json", action="store_true", help="the figures as JSON")
    _add_reader(evaluate)
    evaluate.set_defaults(command=_evaluate)

    bench = commands.add_parser("bench", help="milliseconds per stage on this machine")
    bench.add_argument("--photo", type=Path, help="a photo to read (default: a drawn frame of 1280 x 720)")
    bench.add_argument("--repeats", type=_count, default=50, metavar="N", help="how often it is read (default: 50)")
    _add_reader(bench)
    bench.set_defaults(command=_bench)

    evidence = commands.add_parser("evidence", help="the kept pictures of passages: list them, delete them")
    _add_config(evidence)
    evidence.add_argument("--number", help="only those of this plate number")
    evidence.add_argument("--before", type=_day, metavar="DAY", help="only those of days before, such as 2025-03-01")
    evidence.add_argument("--delete", action="store_true", help="delete what else would be listed")
    evidence.set_defaults(command=_evidence)

    models = commands.add_parser("models", help="the pairs of models: list them, verify, install, roll back, pack")
    models_arguments.add_commands(models, _add_config)

    check = commands.add_parser("check", help="what works, what does not, and what to do about it")
    _add_config(check)
    check.set_defaults(command=_check)

    setup = commands.add_parser("setup", help="asks for camera, broker and name, tries them, writes the settings")
    _add_config(setup)
    setup.set_defaults(command=_setup)

    demo = commands.add_parser("demo", help="the whole road on a bundled clip; needs no hardware")
    demo.set_defaults(command=_demo)
    return parser


def _add_config(parser: argparse.ArgumentParser) -> None:
    default = Path("config.yaml")
    parser.add_argument("-c", "--config", type=Path, default=default, metavar="FILE", help=f"settings ({default})")


def _add_reader(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--models", type=Path, metavar="DIR", help="other models than the shipped ones")
    parser.add_argument("--threads", type=int, metavar="N", help="processor threads for the models")
    parser.add_argument("--min-plate-width", type=int, metavar="PIXELS", help="do not read narrower plates (30)")


# Each command imports what it needs: --help and a wrong argument need not wait for OpenCV and the runtime.


def _run(options: argparse.Namespace) -> int:
    from edge_lpr.config.settings_file import SettingsFile
    from edge_lpr.service.lifecycle import run_service

    file = SettingsFile(options.config, os.environ)
    return run_service(file.load, file.change)


def _recognize(options: argparse.Namespace) -> int:
    from edge_lpr.cli.recognize import recognize

    return recognize(options.photos, _reader(options), crop=options.crop, as_json=options.json)


def _evaluate(options: argparse.Namespace) -> int:
    from rich.console import Console

    from edge_lpr.evaluation import accuracy as evaluation

    console = Console(stderr=options.json)
    if not console.is_terminal:
        console = Console(stderr=options.json, width=REPORT_WIDTH)
    result = evaluation.run(options.truth, _reader(options), options.split, options.misses, console)
    if options.json:
        print(json.dumps(result.to_json(), ensure_ascii=False))
    else:
        evaluation.print_result(result, console)
    return 0


def _bench(options: argparse.Namespace) -> int:
    from rich.console import Console

    from edge_lpr.evaluation import benchmark
    from edge_lpr.images import load_image

    image = None if options.photo is None else load_image(options.photo)
    console = Console()
    benchmark.print_result(benchmark.run(_reader_settings(options), image, options.repeats, console), console)
    return 0


def _evidence(options: argparse.Namespace) -> int:
    from edge_lpr.config import load_settings
    from edge_lpr.config.lists import plain_number
    from edge_lpr.evidence import retention as archive
    from edge_lpr.evidence.keeper import evidence_folder

    settings = load_settings(options.config, os.environ)
    folder = evidence_folder(settings.evidence, settings.device)
    number = None if options.number is None else plain_number(options.number)
    chosen = archive.choose(folder, number=number, before=options.before)
    if options.delete:
        archive.delete(folder, chosen)
        print(f"{len(chosen)} pictures deleted from {folder}")
    else:
        for kept in chosen:
            print(folder / kept.path)
    return 0


def _check(options: argparse.Namespace) -> int:
    from edge_lpr.check.report import check

    return check(options.config, os.environ)


def _setup(options: argparse.Namespace) -> int:
    from edge_lpr.setup.wizard import set_up

    return set_up(options.config)


def _demo(_options: argparse.Namespace) -> int:
    from edge_lpr.cli.demo import demo

    return demo()


def _reader(options: argparse.Namespace) -> PlateReader:
    """The reader with the command's own settings. Raises ConfigError, ModelError."""
    from edge_lpr.vision.reader import PlateReader

    return PlateReader.open(_reader_settings(options))


def _reader_settings(options: argparse.Namespace) -> ReaderSettings:
    """Raises ConfigError for a number out of bounds."""
    from pydantic import ValidationError

    from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, ReaderSettings

    given = {"models_dir": options.models, "threads": options.threads, "min_plate_width": options.min_plate_width}
    chosen = {name: value for name, value in given.items() if value is not None}
    try:
        return ReaderSettings.model_validate({"min_plate_width": PHOTO_MIN_PLATE_WIDTH} | chosen)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        raise ConfigError(f"{option} {first['input']}: {first['msg'].lower()}") from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is not a day such as 2025-03-01") from error


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return number


def _complain(line: str, prefix: str = "edge-lpr: ") -> None:
    print(f"{prefix}{line}", file=sys.stderr)
