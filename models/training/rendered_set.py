"""A test set of rendered plates: every kind, in the surroundings of validation photos, from a seed never trained on.

    python -m models.training.rendered_set --out cache/rendered --each 100
    edge-lpr evaluate cache/rendered

Written in the layout of the development data (``crops/SET.json`` beside ``crops/SET/``), one set a kind, so that the
product's own command measures it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from models.training.data import data_root
from models.training.pool import FLAT_HEIGHT, FLAT_WIDTH
from models.training.recognizer_data import Canvas, cut, real_canvases, swap, weather
from models.training.synthesis import KINDS, PlateGenerator

SEED = 20_000
"""Pools are rendered with small seeds; this one stays apart."""


def build(out: Path, each: int) -> None:
    """Write ``each`` plates of every kind to ``out``."""
    rng = np.random.default_rng(SEED)
    generator = PlateGenerator(data_root())
    places = [canvas.image for canvas in real_canvases("val") if not canvas.tight]
    for kind in track(KINDS, "rendering the test set"):
        folder = out / "crops" / kind
        folder.mkdir(parents=True, exist_ok=True)
        labels = {}
        for i in range(each):
            plate = generator.render(kind, rng)
            mask = np.full(plate.image.shape[:2], 255, np.uint8) if plate.mask is None else plate.mask
            size = (FLAT_WIDTH, FLAT_HEIGHT)
            flat = np.asarray(cv2.resize(np.dstack([plate.image, mask]), size, interpolation=cv2.INTER_AREA), np.uint8)
            image = swap(places[int(rng.integers(len(places)))], flat, rng)
            canvas = Canvas(image, plate.number, 0, plate.rows - 1, False)
            picture, colored = weather(cut(canvas, rng, jitter=0.7), rng, rendered=False)
            cv2.imwrite(str(folder / f"{kind}_{i:03}.png"), picture)
            labels[f"{kind}_{i:03}.png"] = {
                "number": plate.number,
                "color": plate.color.value if colored else None,
                "rows": plate.rows,
                "label": "rendered",
                "split": "val",
            }
        text = json.dumps(labels, ensure_ascii=False, indent=1)
        (out / "crops" / f"{kind}.json").write_text(text, "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--each", type=int, default=100, help="plates of each kind")
    arguments = parser.parse_args()
    build(arguments.out, arguments.each)


if __name__ == "__main__":
    main()
