"""The trial that a pair of models must pass before it may read at the gate: it is loaded, and reads a known picture."""

from __future__ import annotations

import time
from pathlib import Path

from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, ReaderSettings
from edge_lpr.errors import ModelError
from edge_lpr.images import load_image
from edge_lpr.vision.model_file import ModelPair
from edge_lpr.vision.reader import PlateReader

SELF_TEST_NUMBER = "京N8F2K6"
"""What the self-test picture shows, large and sharp: a frame of the demo clip."""

_PICTURE = Path(__file__).with_name("self_test.jpg")


def try_out(reader: PlateReader) -> float:
    """Read the self-test picture; the seconds it took. Raises ModelError when its number is not read."""
    image = load_image(_PICTURE)
    began_s = time.monotonic()
    numbers = [reading.number for reading in reader.read(image, min_plate_width=PHOTO_MIN_PLATE_WIDTH)]
    if numbers != [SELF_TEST_NUMBER]:
        found = ", ".join(numbers) or "no plate"
        raise ModelError(f"the models read {found} in the self-test picture, which shows {SELF_TEST_NUMBER}")
    return time.monotonic() - began_s


def tried(models: ModelPair, settings: ReaderSettings) -> PlateReader:
    """A reader with ``models`` that has passed the trial. Raises ModelError."""
    reader = PlateReader(models, settings)
    try_out(reader)
    return reader
