"""A pool of rendered plates on disk, so that training does not wait for the plate generator.

Rendering a plate takes milliseconds. Light, blur and noise are drawn anew each time a plate is used, so some ten
thousand plates give millions of pictures. All plates are stored at one size, with an alpha channel for their outline.

    python -m models.training.data.pool --count 40000 --seed 1 --out cache/pool-1
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from multiprocessing import Pool as Processes
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from edge_lpr.errors import InputError
from models.training import command
from models.training.arrays import Image
from models.training.data.datasets import data_root
from models.training.synthesis import KINDS, PlateGenerator

FLAT_WIDTH, FLAT_HEIGHT = 256, 96
"""Size of a stored plate, pixels."""
CHUNK = 200
"""Plates that a process renders at a time."""
_WEIGHTS = {
    "blue": 5.0,
    "yellow": 2.5,
    "yellow_double": 3.0,
    "nev_small": 3.0,
    "nev_large": 2.0,
    "painted": 10.0,
    "painted_double": 11.0,
    "temporary": 4.0,
    "temporary_entry": 3.0,
    "wj": 3.0,
    "wj_old": 3.0,
    "wj_double": 1.5,
    "wj_letter": 3.0,
    "wj_letter_double": 2.0,
    "black": 3.0,
    "hong_kong_macau": 2.0,
    "tractor": 1.5,
    "other": 1.5,
    "consulate": 1.5,
    "consulate_double": 1.5,
    "embassy": 1.5,
    "army": 1.5,
    "moped": 1.5,
    "tractor_temporary": 2.0,
    "emergency_double": 1.5,
}
"""How often a kind is drawn, relative to the others (1.0): common kinds and those that vary most come more often."""


@dataclass(frozen=True, slots=True)
class FlatPlate:
    """The labels of a rendered plate.

    ``aspect`` is its true width by height. ``boxes`` are left, top, right and bottom of its characters, as shares of
    the plate's width and height.
    """

    number: str
    color: str
    rows: int
    kind: str
    aspect: float
    boxes: list[list[float]]


class PlatePool:
    """Read access to one or more pools on disk, memory-mapped, as if they were one."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """Raises InputError for a folder without a pool, or with plates of another size."""
        for folder in folders:
            if not (folder / "plates.npy").is_file() or not (folder / "plates.json").is_file():
                raise InputError(f"{folder}: no pool; make one with models.training.data.pool")
        self._parts: list[Image] = [np.load(folder / "plates.npy", mmap_mode="r") for folder in folders]
        self._ends = np.cumsum([len(part) for part in self._parts])
        for folder, part in zip(folders, self._parts, strict=True):
            if part.shape[1:] != (FLAT_HEIGHT, FLAT_WIDTH, 4):
                raise InputError(f"{folder}: pool of another plate size; make it again with models.training.data.pool")
        entries = chain.from_iterable(json.loads((folder / "plates.json").read_text("utf-8")) for folder in folders)
        self.plates = [FlatPlate(**entry) for entry in entries]

    def __len__(self) -> int:
        return len(self.plates)

    def picture(self, index: int) -> Image:
        """Returns plate ``index``: uint8 of shape (FLAT_HEIGHT, FLAT_WIDTH, 4), BGRA."""
        part = int(np.searchsorted(self._ends, index, side="right"))
        picture: Image = self._parts[part][index - self._ends[part]]
        return picture


def _render_chunk(seed: tuple[int, int]) -> tuple[Image, list[FlatPlate]]:
    generator = PlateGenerator(data_root())
    rng = np.random.default_rng(seed)
    weights = np.array([_WEIGHTS.get(kind, 1.0) for kind in KINDS])
    pictures = np.empty((CHUNK, FLAT_HEIGHT, FLAT_WIDTH, 4), np.uint8)
    plates: list[FlatPlate] = []
    for i, kind in enumerate(rng.choice(KINDS, CHUNK, p=weights / weights.sum())):
        plate = generator.render(str(kind), rng)
        height, width = plate.image.shape[:2]
        pictures[i] = cv2.resize(plate.cut_out, (FLAT_WIDTH, FLAT_HEIGHT), interpolation=cv2.INTER_AREA)
        boxes = (np.array(plate.boxes) / (width, height, width, height)).round(4).tolist()
        plates.append(FlatPlate(plate.number, plate.color.value, plate.rows, plate.kind, width / height, boxes))
    return pictures, plates


def build(folder: Path, count: int, seed: int, processes: int) -> None:
    """Renders ``count`` plates, rounded up to whole chunks, into ``folder``; an older pool there is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plates.json").unlink(missing_ok=True)  # written last: a pool that has it is complete
    chunks = -(-count // CHUNK)
    pictures = np.lib.format.open_memmap(
        folder / "plates.npy", "w+", np.uint8, (chunks * CHUNK, FLAT_HEIGHT, FLAT_WIDTH, 4)
    )
    plates: list[FlatPlate] = []
    with Processes(processes) as workers:
        results = workers.imap(_render_chunk, [(seed, i) for i in range(chunks)])
        for i, (part, described) in enumerate(track(results, "rendering plates", chunks)):
            pictures[i * CHUNK : (i + 1) * CHUNK] = part
            plates += described
    pictures.flush()
    (folder / "plates.json").write_text(json.dumps([asdict(p) for p in plates], ensure_ascii=False), "utf-8")


def main() -> None:
    """Parses the command line and builds the pool."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--count", type=command.count, default=40000, help="plates to render")
    parser.add_argument("--seed", type=command.whole, default=1, help="seed of the random choices")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--processes", type=command.count, default=2, help="processes that render")
    arguments = parser.parse_args()
    data_root()  # before anything is written
    build(arguments.out, arguments.count, arguments.seed, arguments.processes)


if __name__ == "__main__":
    command.run(main)
