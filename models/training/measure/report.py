"""The report: the table of bars with the pictures that explain it.

    python -m models.training.measure.report --out cache/report --log cache/detector/log.csv \\
        --log cache/recognizer/log.csv

Writes ``report.md`` and PNG files into a folder: misses as contact sheets for each set (label, reading, confidence, the
surroundings and the plate as the recognizer would get it), readings where no plate is, confusion of characters,
calibration, accuracy against plate width, accuracy by kind and by condition, and the curves of training runs.
Measures everything first, as ``models.training.measure.acceptance`` does; that and matplotlib are what it needs.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from models.training import command
from models.training.measure import charts, measurement
from models.training.measure import criteria as judging
from models.training.measure import statistics as measures
from models.training.measure.measurement import Measured
from models.training.measure.miss_sheets import write_false_reads, write_misses
from models.training.measure.records import Seen


def write(out: Path, measured: Measured, logs: list[Path]) -> None:
    """Write the report into ``out``. Raises InputError where it cannot be written."""
    out.mkdir(parents=True, exist_ok=True)
    table_rows = judging.rows(measured)
    parts = [
        "# What the models measure\n",
        judging.summary(table_rows) + ".\n",
        _table(table_rows),
        *_charts(out, measured),
        *_curves(out, logs),
        *_sheets(out, measured),
    ]
    (out / "report.md").write_text("\n".join(parts), "utf-8")


def _table(table_rows: list[judging.Row]) -> str:
    lines = ["| what | bar | value | | detail |", "|---|---|---|---|---|"]
    for row in table_rows:
        name = row.what.replace("  ", "&emsp;", 1) if row.what.startswith("  ") else row.what
        lines.append(f"| {name} | {row.bar} | {row.value} | {row.verdict} | {row.detail} |")
    return "\n".join(lines) + "\n"


def _charts(out: Path, measured: Measured) -> Iterator[str]:
    rendered = [seen for seen in measured.rendered if seen.scene]
    everything = measured.real + rendered
    yield "## Pictures\n"
    charts.calibration(out / "calibration.png", {"real photos": measured.real, "rendered scenes": rendered})
    yield _picture("Confidence against how often it is right", "calibration.png")
    charts.by_width(out / "width.png", {"real scenes": measured.real, "rendered scenes": rendered})
    yield _picture("Exact readings against plate width", "width.png")
    charts.by_group(out / "kinds.png", measures.by_dataset(rendered), judging.KIND_BAR)
    yield _picture("Exact readings of rendered scenes by kind, with Wilson's interval", "kinds.png")
    conditions: dict[str, list[Seen]] = {}
    for seen in rendered:
        conditions.setdefault(seen.truth.condition or "", []).append(seen)
    charts.by_group(out / "conditions.png", conditions, judging.KIND_BAR)
    yield _picture("Exact readings of rendered scenes by condition", "conditions.png")
    charts.confusion(out / "confusion.png", measures.confusions(everything))
    yield _picture("Characters taken for others; readings of the right length", "confusion.png")


def _curves(out: Path, logs: list[Path]) -> Iterator[str]:
    for number, log in enumerate(logs):
        name = f"curves_{number}_{log.parent.name}.png"
        charts.training_curves(out / name, log)
        yield _picture(f"Training run {log.parent.name}", name)


def _sheets(out: Path, measured: Measured) -> Iterator[str]:
    yield "## Misses\n"
    for name, items in measures.by_dataset(measured.real + measured.rendered).items():
        missed = [seen for seen in measures.trusted(items) if not seen.exact]
        if missed:
            file = f"misses_{name.replace('/', '_')}.png"
            shown = write_misses(out / file, missed)
            count = f"{len(missed)} of {len(items)}" + (f", {shown} shown" if shown < len(missed) else "")
            yield _picture(f"{name}: {count}", file)
    if measured.quiet.false_reads:
        write_false_reads(out / "false_reads.png", measured.quiet.false_reads)
        yield _picture("Readings where no plate is", "false_reads.png")


def _picture(caption: str, file: str) -> str:
    return f"**{caption}**\n\n![{caption}]({file})\n"


def main() -> int:
    """Measure and write the report. 0 done, 1 failed, 2 wrong input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measurement.add_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path("cache/report"), help="folder to write")
    parser.add_argument("--log", type=Path, action="append", default=[], help="log.csv of a training run")
    arguments = parser.parse_args()
    for log in arguments.log:
        if not log.is_file():
            parser.error(f"--log {log}: no such file; give the log.csv of a training run")
    console = Console()
    write(arguments.out, measurement.measure(measurement.choices_of(arguments), console), arguments.log)
    console.print(f"wrote {arguments.out / 'report.md'}")
    return 0


if __name__ == "__main__":
    command.run(main)
