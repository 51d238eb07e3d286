"""The command line. One module per command reads its arguments, calls a package, and prints.

Exit codes: 0 done, 1 the work failed, 2 the user's input is wrong. Results go to stdout, errors to stderr.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn, Protocol, cast

from edge_lpr import __version__
from edge_lpr.errors import ConfigError, EdgeLprError

COMMANDS = {
    "run": "the service: camera in, passages out over MQTT",
    "recognize": "read the plates in photos",
    "evaluate": "accuracy on labelled photos or crops",
    "bench": "milliseconds per stage on this machine",
    "evidence": "the kept pictures of passages: list them, delete them",
    "models": "the pairs of models: list them, verify, install, roll back, pack",
    "check": "what works, what does not, and what to do about it",
    "setup": "asks for camera, broker and name, tries them, writes the settings",
    "demo": "the whole pipeline on a bundled clip; needs no hardware",
}
"""Each command with its help text. Its module is ``edge_lpr.cli.<command>``."""

INTERRUPTED = 130
"""128 + SIGINT, as a shell reports it."""


class Command(Protocol):
    """What the module of a command provides."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's arguments to ``parser``."""

    def run(self, options: argparse.Namespace) -> int:
        """Runs the command and returns its exit code. Raises EdgeLprError."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code. ``arguments`` are by default those of the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A path that is not UTF-8, or a terminal without Chinese characters, must not end the work.
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if arguments is None else list(arguments)
    with _ended_by_interrupt():
        parser, command = _create_parser(given)
    options = parser.parse_args(given)
    if command is None:
        parser.error("a command is needed")
    try:
        code = command.run(options)
        sys.stdout.flush()
        return code
    except ConfigError as error:
        print_error(str(error))
        for fault in error.faults:
            print(f"  {fault}", file=sys.stderr)
        return error.exit_code
    except EdgeLprError as error:
        print_error(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe, as `| head` does. Python would report it once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


@contextmanager
def _ended_by_interrupt() -> Iterator[None]:
    """Lets Ctrl-C end the process at once, without a traceback, while libraries are being imported.

    Some of them turn a KeyboardInterrupt into another exception.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def print_error(line: str) -> None:
    """Prints one error line to stderr."""
    print(f"edge-lpr: {line}", file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    """Reports errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _create_parser(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, Command | None]:
    """Returns the parser and the command that ``arguments`` name.

    Only that command's module is imported: ``--help`` and a misspelt command need not wait for OpenCV and the model
    runtime.
    """
    parser = _Parser(prog="edge-lpr", description="A number-plate reader for a parking gate.")
    parser.add_argument("--version", action="version", version=f"edge-lpr {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    parsers = {name: commands.add_parser(name, help=text) for name, text in COMMANDS.items()}
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    if chosen not in parsers:
        return parser, None
    command = cast(Command, import_module(f"edge_lpr.cli.{chosen}"))
    command.add_arguments(parsers[chosen])
    return parser, command
