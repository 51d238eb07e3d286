"""How every training command ends: with its exit code, or with one line about what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import NoReturn

from edge_lpr.errors import EdgeLprError


def run(main: Callable[[], int | None]) -> NoReturn:
    """Leave with what ``main`` gives; with 2 where a file or the development data is missing, of which the message
    tells, and with the error's own code where the package raised one on purpose."""
    try:
        sys.exit(main())
    except EdgeLprError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
