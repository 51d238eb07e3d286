"""What the training commands share: numbers as arguments, and to end with an exit code or one line of what is wrong."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from pydantic import ValidationError

from edge_lpr.errors import EdgeLprError


def count(text: str) -> int:
    """An argument that is a whole number from 1."""
    return _from(text, 1)


def whole(text: str) -> int:
    """An argument that is a whole number from 0: a seed, or a count that may be none."""
    return _from(text, 0)


def _from(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text}: give a whole number from {least}")
    return int(text)


def run(main: Callable[[], int | None]) -> NoReturn:
    """Leave with what ``main`` gives; with 2 where a file or the development data is missing, of which the message
    tells, or a setting of the reader is out of bounds; with the error's own code where the package raised one on
    purpose."""
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
