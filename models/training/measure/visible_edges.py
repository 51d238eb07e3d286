"""Measures how far labels and readings of real plates lie from the plates' visible edges.

    python -m models.training.measure.visible_edges

The edges are fitted on one-row plates with a blue ground; plates where that fails are left out. Distances are shares
of the plate's height. Labels and readings are compared with the edges at the size that fits best, so that only errors
of shape and position count. A perfect reader would still show the labels' own error. Rendered plates have exact labels
and show the error of the fit itself.

Readings are also compared with the labels, on all plates. With ``--split train`` that shows how near the networks come
to labels that they have learnt from. Readings of other photos can hardly come nearer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_lpr.config import ReaderSettings
from edge_lpr.geometry import Quad
from edge_lpr.vision.reader import PlateReader
from models.training import command
from models.training.data import datasets
from models.training.measure.edge_fit import outline, shape_error

LEAST_HEIGHT = 16.0
"""Least height of a plate in its photo, pixels: on a lower one an edge is blurred over a tenth of the height."""
RENDERED_KINDS = ("blue",)
"""Kinds of rendered plates with a blue ground and one row."""


@dataclass(frozen=True, slots=True)
class Offsets:
    """The distances of one plate that is read right, as shares of its height.

    ``reading_to_label`` is always known; the other two only where the edges are found.
    """

    reading_to_label: float
    label_to_edges: float | None = None
    reading_to_edges: float | None = None


def measure(scene: datasets.Scene, reader: PlateReader) -> list[Offsets]:
    """Returns the offsets of the plates of ``scene`` that are read right and large enough."""
    image = scene.load()
    quads = {reading.number: reading.quad for reading in reader.read(image)}
    found: list[Offsets] = []
    for plate in scene.plates:
        own = quads.get(plate.number or "")
        if own is None or plate.rows != 1 or own.height < LEAST_HEIGHT:
            continue
        read, label = own.to_array(), plate.quad
        apart = float(np.linalg.norm(read - label, axis=1).mean() / Quad.from_array(label).height)
        edges = outline(image, read)
        if edges is None:
            found.append(Offsets(apart))
        else:
            found.append(Offsets(apart, shape_error(label, edges), shape_error(read, edges)))
    return found


def _mean(offsets: Iterable[float | None]) -> str:
    known = [offset for offset in offsets if offset is not None]
    return f"{100 * np.mean(known):.2f} %" if known else ""


def _row(name: str, found: list[Offsets]) -> tuple[str, ...]:
    with_edges = [one for one in found if one.label_to_edges is not None]
    return (
        name,
        str(len(found)),
        _mean(one.reading_to_label for one in found),
        str(len(with_edges)),
        _mean(one.reading_to_label for one in with_edges),
        _mean(one.label_to_edges for one in with_edges),
        _mean(one.reading_to_edges for one in with_edges),
    )


def main() -> int:
    """Measures and prints the table. Returns the exit code."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--models", type=Path, help="folder of the models (default: the shipped ones)")
    parser.add_argument(
        "--rendered", type=Path, default=Path("cache/rendered"), help="the test set that measure.acceptance made"
    )
    parser.add_argument("--split", choices=("val", "train"), default="val", help="split of the real photos")
    arguments = parser.parse_args()
    reader = PlateReader.open(ReaderSettings(threads=1, models_dir=arguments.models))
    rendered: Path = arguments.rendered
    console = Console()
    table = Table(
        "set",
        "read right",
        "readings to labels",
        "with edges",
        "readings to labels",
        "labels to edges",
        "readings to edges",
    )

    def measured(name: str, scenes: list[datasets.Scene]) -> list[Offsets]:
        progress = track(scenes, name, console=console, transient=True)
        return [one for scene in progress for one in measure(scene, reader)]

    real: list[Offsets] = []
    for name in datasets.SCENE_SETS:
        found = measured(name, datasets.scenes(arguments.split, sets=(name,)))
        table.add_row(*_row(name, found))
        real += found
    table.add_row(*_row("all real", real))
    if (rendered / "scenes").is_dir():
        exact = measured("rendered", datasets.scenes("val", rendered, RENDERED_KINDS))
        table.add_row(*_row("rendered, exact labels", exact))
    console.print(table)
    return 0


if __name__ == "__main__":
    command.run(main)
