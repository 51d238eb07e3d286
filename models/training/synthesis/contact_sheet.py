"""Contact sheets of rendered plates, one for each kind.

python -m models.training.synthesis.contact_sheet --out cache/sheets
"""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np

from models.training import command
from models.training.arrays import Rng
from models.training.data.datasets import data_root
from models.training.synthesis import KINDS, PlateGenerator

CELL = (300, 110)  # width, height in pixels
COLUMNS, ROWS = 4, 6


def sheet(generator: PlateGenerator, kind: str, rng: Rng) -> np.ndarray:
    """Draws ``ROWS`` x ``COLUMNS`` plates of one kind: uint8, BGR."""
    cell_width, cell_height = CELL
    page = np.full((ROWS * (cell_height + 8), COLUMNS * (cell_width + 8), 3), 90, np.uint8)
    for place in range(ROWS * COLUMNS):
        plate = generator.render(kind, rng)
        height, width = plate.image.shape[:2]
        factor = min(cell_width / width, cell_height / height)
        size = (round(width * factor), round(height * factor))
        small = cv2.resize(plate.image, size, interpolation=cv2.INTER_AREA)
        y, x = (place // COLUMNS) * (cell_height + 8) + 4, (place % COLUMNS) * (cell_width + 8) + 4
        target = page[y : y + size[1], x : x + size[0]]
        if plate.mask is None:
            target[:] = small
        else:
            alpha = cv2.resize(plate.mask, size, interpolation=cv2.INTER_AREA)[..., None] / 255.0
            target[:] = (small * alpha + target * (1 - alpha)).astype(np.uint8)
    return page


def main() -> int:
    """Writes the sheets and prints plates per second for each kind. Returns 0 when done."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the sheets, one PNG a kind")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind; may be given again")
    parser.add_argument("--seed", type=command.whole, default=1, help="seed of the random choices")
    parser.add_argument("--atlas", type=Path, help="also write every glyph shape here, for machines without fonts")
    arguments = parser.parse_args()
    generator = PlateGenerator(data_root())
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.atlas:
        generator.glyphs.save(arguments.atlas)
    for kind in arguments.kind or KINDS:
        rng = np.random.default_rng(arguments.seed)
        start = time.perf_counter()
        page = sheet(generator, kind, rng)
        rate = ROWS * COLUMNS / (time.perf_counter() - start)
        cv2.imwrite(str(arguments.out / f"{kind}.png"), page)
        print(f"{kind}: {rate:.0f} plates/s")
    return 0


if __name__ == "__main__":
    command.run(main)
