"""The table of bars: what the shipped models must reach, what they reach, pass or fail.

    python -m models.training.measure.acceptance

Everything is read by the shipped int8 files through the product's own reader, from pictures that no training saw, with
the patches without plates the one exception. The rendered test set is made first where it is not there. Needs the
development data, but torch only for int8 against float. Exit code 0 when every bar is passed, 1 when one is failed or
could not be measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from models.training import command
from models.training.measure import measurement
from models.training.measure.criteria import Row, Verdict, rows, summary

WIDTH = 170
"""Columns, where the output is no terminal: a row then stays on its line."""
_STYLES = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.NOTE: "dim", Verdict.ABSENT: "yellow"}


def table_of(table_rows: Sequence[Row]) -> Table:
    """For the terminal."""
    table = Table(title="The bars")
    for heading in ("what", "bar", "value", "", "detail"):
        table.add_column(heading, justify="right" if heading in ("bar", "value") else "left")
    for row in table_rows:
        table.add_row(row.what, row.bar, row.value, row.verdict, row.detail, style=_STYLES[row.verdict])
    return table


def main() -> int:
    """Measure, print, say by the exit code whether every bar is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measurement.add_arguments(parser)
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    measured = measurement.measure(measurement.choices_of(parser.parse_args()), console)
    table_rows = rows(measured)
    console.print(table_of(table_rows))
    console.print(summary(table_rows))
    return 0 if all(row.verdict in (Verdict.PASS, Verdict.NOTE) for row in table_rows) else 1


if __name__ == "__main__":
    command.run(main)
