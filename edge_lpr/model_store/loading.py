"""Loads the pair of models that the gate reads with, and runs its self-test.

The pair is that of ``reader.models_dir``. Without that setting it is the active pair of the model store.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, ReaderSettings
from edge_lpr.errors import ModelError
from edge_lpr.images import load_image
from edge_lpr.model_store.store import SHIPPED, ModelChoice, ModelStore
from edge_lpr.vision.model_file import ModelPair, load_models
from edge_lpr.vision.reader import PlateReader

SELF_TEST_NUMBER = "京N8F2K6"
"""The number in the self-test picture, large and sharp: a frame of the demo clip."""

_SELF_TEST_PICTURE = Path(__file__).with_name("self_test.jpg")


@dataclass(frozen=True, slots=True)
class OpenedPair:
    """A reader and the name of its pair.

    ``name`` is ``shipped``, the name of an installed pair, or the folder of ``reader.models_dir``. ``faults`` holds one
    line for each pair that should have been opened first and could not be.
    """

    reader: PlateReader
    name: str
    faults: tuple[str, ...] = ()


def open_pair(settings: ReaderSettings, store: ModelStore) -> OpenedPair:
    """Opens the active pair; if that fails, the previous pair, then the shipped pair.

    A gate that reads with an older pair is better than a gate that does not read. Raises ModelError when the pair of
    ``reader.models_dir`` cannot be opened, and when no pair can be opened.
    """
    if settings.models_dir is not None:
        return OpenedPair(PlateReader.open(settings), str(settings.models_dir))
    faults: list[str] = []
    try:
        choice = store.read_choice()
    except ModelError as error:
        faults.append(str(error))
        choice = ModelChoice()
    for name in dict.fromkeys((choice.active, choice.previous, SHIPPED)):
        try:
            return OpenedPair(open_installed(name, settings, store), name, tuple(faults))
        except ModelError as error:
            faults.append(f"pair {name}: {error}")
    raise ModelError("; ".join(faults))


def open_installed(name: str, settings: ReaderSettings, store: ModelStore) -> PlateReader:
    """Returns a reader with the installed pair ``name``, or with the shipped pair, after its self-test.

    Raises ModelError when the pair cannot be loaded or fails the self-test.
    """
    reader = PlateReader(load_pair(name, store), settings)
    run_self_test(reader)
    return reader


def load_pair(name: str, store: ModelStore) -> ModelPair:
    """Loads and checks the files of the pair ``name``. Raises ModelError."""
    return load_models(None if name == SHIPPED else store.pair_folder(name))


def run_self_test(reader: PlateReader) -> float:
    """Reads the self-test picture and returns the seconds that the reading took.

    Raises ModelError when the number read is not ``SELF_TEST_NUMBER``.
    """
    image = load_image(_SELF_TEST_PICTURE)
    began_s = time.monotonic()
    numbers = [reading.number for reading in reader.read(image, min_plate_width=PHOTO_MIN_PLATE_WIDTH)]
    if numbers != [SELF_TEST_NUMBER]:
        found = ", ".join(numbers) or "no plate"
        raise ModelError(f"the models read {found} in the self-test picture, which shows {SELF_TEST_NUMBER}")
    return time.monotonic() - began_s
