"""What the training commands share: the argument parser, number arguments, and the exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from pydantic import ValidationError

from edge_lpr.errors import EdgeLprError


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser whose usage line shows the command as it is typed: ``python -m PACKAGE.MODULE``.

    ``description`` is the module's docstring; its line breaks are kept. Python 3.14 does the same by itself.
    """
    spec = sys.modules["__main__"].__spec__
    program = None if spec is None else f"python -m {spec.name.removesuffix('.__main__')}"
    return argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def count(text: str) -> int:
    """An argument that is a whole number from 1."""
    return _whole_number(text, 1)


def whole(text: str) -> int:
    """An argument that is a whole number from 0: a seed, or a count that may be zero."""
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from {least}")
    return int(text)


def run(main: Callable[[], int | None]) -> NoReturn:
    """Runs ``main`` and leaves with its exit code.

    Errors that a user can fix are printed in one line. The exit code is then the error's own for an EdgeLprError, and
    2 for a missing file or a setting of the reader that is out of bounds.
    """
    try:
        sys.exit(main())
    except EdgeLprError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except ValidationError as error:
        first = error.errors()[0]
        print(f"{'.'.join(map(str, first['loc']))} {first['input']}: {first['msg'].lower()}", file=sys.stderr)
        sys.exit(2)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
