"""Prints the acceptance criteria: the limits that the shipped models must keep, their values, pass or fail.

    python -m models.training.measure.acceptance

The shipped int8 files read every picture through the product's own reader. No training used these pictures, except the
patches without plates. The rendered test set is made first where it is missing. This needs the development data; torch
is needed only for int8 against float. The exit code is 0 when every criterion is passed, and 1 when one is failed or
could not be measured.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from models.training import command
from models.training.measure import measurement
from models.training.measure.criteria import Row, Verdict, rows, summary

WIDTH = 170
"""Columns where the output is not a terminal, so that each row stays on one line."""
_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.NOTE: "dim", Verdict.NOT_MEASURED: "yellow"}


def table_of(table_rows: Sequence[Row]) -> Table:
    """Returns ``table_rows`` as a table for the terminal."""
    table = Table(title="Acceptance criteria")
    for heading in ("measure", "limit", "value", "", "detail"):
        table.add_column(heading, justify="right" if heading in ("limit", "value") else "left")
    for row in table_rows:
        table.add_row(row.name, row.limit, row.value, row.verdict, row.detail, style=_STYLES[row.verdict])
    return table


def main() -> int:
    """Measures and prints. Returns the exit code."""
    parser = command.argument_parser(__doc__)
    measurement.add_options(parser)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    measured = measurement.measure(measurement.parse_options(parser.parse_args()), console)
    table_rows = rows(measured)
    console.print(table_of(table_rows))
    console.print(summary(table_rows))
    return 0 if all(row.verdict in (Verdict.PASS, Verdict.NOTE) for row in table_rows) else 1


if __name__ == "__main__":
    command.run(main)
