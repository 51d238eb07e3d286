"""Writes the report: the acceptance criteria, with the pictures that explain them.

    python -m models.training.measure.report --out cache/report --log cache/recognizer/log.csv

The folder gets ``report.md`` and PNG files: contact sheets of the misses of each set (label, reading, confidence, the
surroundings, and the plate as the recognizer gets it), readings in pictures without a plate, confused characters,
calibration, exact readings against plate width, by kind and by condition, and the curves of training runs. Everything
is measured first, as by ``models.training.measure.acceptance``. The charts need matplotlib.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from models.training import command
from models.training.measure import charts, criteria, measurement, statistics
from models.training.measure.measurement import Measurement
from models.training.measure.miss_sheets import write_false_readings, write_misses
from models.training.measure.records import PlateRecord


def write(out: Path, measured: Measurement, logs: list[Path]) -> None:
    """Writes the report into ``out``. Raises InputError where it cannot be written."""
    out.mkdir(parents=True, exist_ok=True)
    rows = criteria.rows(measured)
    parts = [
        "# Measurement of the models\n",
        criteria.summary(rows) + ".\n",
        _table(rows),
        *_charts(out, measured),
        *_curves(out, logs),
        *_sheets(out, measured),
    ]
    (out / "report.md").write_text("\n".join(parts), "utf-8")


def _table(rows: list[criteria.Row]) -> str:
    lines = ["| measure | limit | value | | detail |", "|---|---|---|---|---|"]
    for row in rows:
        name = row.name.replace("  ", "&emsp;", 1) if row.name.startswith("  ") else row.name
        lines.append(f"| {name} | {row.limit} | {row.value} | {row.verdict} | {row.detail} |")
    return "\n".join(lines) + "\n"


def _charts(out: Path, measured: Measurement) -> Iterator[str]:
    rendered = [record for record in measured.rendered if record.scene]
    yield "## Charts\n"
    charts.calibration(out / "calibration.png", {"real photos": measured.real, "rendered scenes": rendered})
    yield _picture("Confidence against the share of right readings", "calibration.png")
    charts.by_width(out / "width.png", {"real scenes": measured.real, "rendered scenes": rendered})
    yield _picture("Exact readings against plate width", "width.png")
    charts.by_group(out / "kinds.png", statistics.by_dataset(rendered), criteria.KIND_LIMIT)
    yield _picture("Exact readings of rendered scenes by kind, with Wilson's interval", "kinds.png")
    conditions: dict[str, list[PlateRecord]] = {}
    for record in rendered:
        conditions.setdefault(record.truth.condition or "", []).append(record)
    charts.by_group(out / "conditions.png", conditions, criteria.KIND_LIMIT)
    yield _picture("Exact readings of rendered scenes by condition", "conditions.png")
    charts.confusion(out / "confusion.png", statistics.confusions(measured.real + rendered))
    yield _picture("Confused characters, in readings of the right length", "confusion.png")


def _curves(out: Path, logs: list[Path]) -> Iterator[str]:
    for number, log in enumerate(logs):
        name = f"curves_{number}_{log.parent.name}.png"
        charts.training_curves(out / name, log)
        yield _picture(f"Training run {log.parent.name}", name)


def _sheets(out: Path, measured: Measurement) -> Iterator[str]:
    yield "## Misses\n"
    for name, records in statistics.by_dataset(measured.real + measured.rendered).items():
        missed = [record for record in statistics.with_number(records) if not record.exact]
        if missed:
            file = f"misses_{name.replace('/', '_')}.png"
            shown = write_misses(out / file, missed)
            count = f"{len(missed)} of {len(records)}" + (f", {shown} shown" if shown < len(missed) else "")
            yield _picture(f"{name}: {count}", file)
    if measured.negatives.false_readings:
        write_false_readings(out / "false_readings.png", measured.negatives.false_readings)
        yield _picture("Readings in pictures without a plate", "false_readings.png")


def _picture(caption: str, file: str) -> str:
    return f"**{caption}**\n\n![{caption}]({file})\n"


def main() -> int:
    """Measures and writes the report. Returns the exit code."""
    parser = command.argument_parser(__doc__)
    measurement.add_options(parser)
    parser.add_argument("--out", type=Path, default=Path("cache/report"), help="folder to write")
    parser.add_argument(
        "--log", type=Path, action="append", default=[], help="log.csv of a training run; may be given again"
    )
    arguments = parser.parse_args()
    for log in arguments.log:
        if not log.is_file():
            parser.error(f"--log {log}: no such file; give the log.csv of a training run")
    console = Console()
    write(arguments.out, measurement.measure(measurement.parse_options(arguments), console), arguments.log)
    console.print(f"wrote {arguments.out / 'report.md'}")
    return 0


if __name__ == "__main__":
    command.run(main)
