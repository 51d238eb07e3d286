"""Measures the composed scenes: recall and exact readings for each frame size and plate width.

    python -m models.training.measure.composed --misses cache/composed.png

The shipped int8 files read each scene as a photo, through the product's own reader. ``--only "12 MP"`` takes one frame
size. The scenes are those of ``models.training.test_sets.composed``; 14 of each cell take about ten minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_lpr.config import ReaderSettings
from edge_lpr.evaluation.accuracy import match
from edge_lpr.evaluation.contact_sheet import Tile, write_contact_sheet
from edge_lpr.evaluation.truth import TruePlate
from edge_lpr.geometry import Quad
from edge_lpr.readings import PlateReading
from edge_lpr.vision.reader import PlateReader
from models.training import command
from models.training.measure.miss_sheets import MOST_TILES, picture_of
from models.training.measure.statistics import Share
from models.training.test_sets import composed
from models.training.test_sets.composed import Cell, ComposedScene

EACH = 14
"""Scenes of each cell: 224 plates of 60 to 400 pixels for each frame size."""


@dataclass(frozen=True, slots=True)
class ComposedRecord:
    """One plate of a composed scene. ``read`` is the number read at its place, None without a reading.

    ``extra`` counts the readings of the scene that belong to no plate; of two plates the first has them.
    """

    cell: Cell
    scene: str
    number: str
    read: str | None
    extra: int

    @property
    def exact(self) -> bool:
        """Whether the whole number is right."""
        return self.read == self.number


MissObserver = Callable[[ComposedScene, Quad, ComposedRecord, PlateReading | None], None]
"""Called with each plate that was not read exactly: its scene, quad, record and reading."""


def read_cells(
    cells: Sequence[Cell],
    each: int,
    seed: int,
    reader: PlateReader,
    console: Console,
    on_miss: MissObserver | None = None,
) -> list[ComposedRecord]:
    """Reads ``each`` scenes of every one of ``cells``."""
    scenes = (scene for cell in cells for scene in composed.scenes(cell, each, seed))
    records: list[ComposedRecord] = []
    for scene in track(scenes, "composed scenes", len(cells) * each, console=console, transient=True):
        records += _read(scene, reader, on_miss)
    return records


def _read(scene: ComposedScene, reader: PlateReader, on_miss: MissObserver | None) -> list[ComposedRecord]:
    quads = [Quad.from_array(plate.corners) for plate in scene.plates]
    truth = [TruePlate(plate.number, None, quad) for plate, quad in zip(scene.plates, quads, strict=True)]
    readings = reader.read(scene.image)
    found = match(truth, readings)
    extra = len(readings) - sum(one is not None for one in found)
    records = []
    for index, (plate, quad, reading) in enumerate(zip(scene.plates, quads, found, strict=True)):
        read = None if reading is None else reading.number
        record = ComposedRecord(scene.cell, scene.name, plate.number, read, 0 if index else extra)
        records.append(record)
        if on_miss is not None and not record.exact:
            on_miss(scene, quad, record, reading)
    return records


def recall(records: Iterable[ComposedRecord]) -> Share:
    """Returns the share of plates with a reading, whatever it says."""
    found = [record.read is not None for record in records]
    return Share(sum(found), len(found))


def exact(records: Iterable[ComposedRecord]) -> Share:
    """Returns the share of plates whose whole number is right."""
    right = [record.exact for record in records]
    return Share(sum(right), len(right))


def table_of(records: Sequence[ComposedRecord]) -> Table:
    """Returns the cells: plates, those with a reading, and those that are exact."""
    table = Table(title="Composed scenes: plates / with a reading / exact")
    columns = list(dict.fromkeys((record.cell.frame.name, record.cell.portrait) for record in records))
    for heading in ("plate", *(f"{name}{' portrait' if portrait else ''}" for name, portrait in columns), "all"):
        table.add_column(heading, justify="right")
    for layout in dict.fromkeys(record.cell.layout for record in records):
        row = [record for record in records if record.cell.layout == layout]
        parts = [[one for one in row if (one.cell.frame.name, one.cell.portrait) == column] for column in columns]
        table.add_row(layout, *(_counts(part) for part in (*parts, row)))
    return table


def _counts(records: Sequence[ComposedRecord]) -> str:
    found, right = recall(records), exact(records)
    return f"{found.trials} / {found.hits} / {right.hits}"


def main() -> None:
    """Measures and prints the table and the misses."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the model pair")
    parser.add_argument("--each", type=command.count, default=EACH, help="scenes of each cell")
    parser.add_argument("--seed", type=command.whole, default=composed.SEED, help="seed of the scenes")
    parser.add_argument("--only", choices=[frame.name for frame in composed.FRAMES], help="one frame size")
    parser.add_argument("--layout", choices=composed.LAYOUTS, action="append", help="one layout; may be given again")
    parser.add_argument("--min-plate-width", type=int, default=30, help="pixels; narrower plates are not read")
    parser.add_argument("--misses", type=Path, metavar="PNG", help="draw what was misread as one picture")
    chosen = parser.parse_args()
    reader = PlateReader.open(ReaderSettings(models_dir=chosen.models, min_plate_width=chosen.min_plate_width))
    cells = [
        cell
        for cell in composed.cells()
        if chosen.only in (None, cell.frame.name) and (not chosen.layout or cell.layout in chosen.layout)
    ]
    console = Console(width=None if sys.stdout.isatty() else 170)
    tiles: list[Tile] = []

    def keep(scene: ComposedScene, quad: Quad, record: ComposedRecord, reading: PlateReading | None) -> None:
        confidence = "" if reading is None else f" {reading.confidence}"
        console.print(f"miss  {record.number} read as {record.read or 'nothing'}{confidence}  {scene.name}")
        if len(tiles) < MOST_TILES:
            picture = picture_of(scene.image, quad, None if reading is None else reading.quad)
            tiles.append(Tile(picture, record.number, f"{record.read or 'nothing'}{confidence}", scene.name))

    records = read_cells(cells, chosen.each, chosen.seed, reader, console, keep)
    console.print(table_of(records))
    console.print(f"readings where no plate is: {sum(record.extra for record in records)}")
    if chosen.misses is not None:
        write_contact_sheet(chosen.misses, tiles)


if __name__ == "__main__":
    command.run(main)
