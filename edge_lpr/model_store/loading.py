"""Which pair of models a gate reads with: that of ``reader.models_dir``, else the one in use on the shelf."""

from __future__ import annotations

from dataclasses import dataclass

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import ModelError
from edge_lpr.model_store.store import SHIPPED, Choice, ModelShelf
from edge_lpr.model_store.trial import tried
from edge_lpr.vision.model_file import ModelPair, load_models
from edge_lpr.vision.reader import PlateReader


@dataclass(frozen=True, slots=True)
class OpenedPair:
    """A reader, and what its pair is called: ``shipped``, the name of an installed one, or the folder of one's own.

    ``faults``: why a pair that should rather have been opened was not.
    """

    reader: PlateReader
    name: str
    faults: tuple[str, ...] = ()


def open_pair(settings: ReaderSettings, shelf: ModelShelf) -> OpenedPair:
    """The pair in use. Where that fails the one before it, then the shipped one: a gate that reads by an older pair is
    better than one that stands still. Raises ModelError for a folder of one's own, and when none can be opened."""
    if settings.models_dir is not None:
        return OpenedPair(PlateReader.open(settings), str(settings.models_dir))
    faults: list[str] = []
    try:
        choice = shelf.choice()
    except ModelError as error:
        faults.append(str(error))
        choice = Choice()
    for name in dict.fromkeys((choice.active, choice.previous, SHIPPED)):
        try:
            return OpenedPair(open_installed(name, settings, shelf), name, tuple(faults))
        except ModelError as error:
            faults.append(f"pair {name}: {error}")
    raise ModelError("; ".join(faults))


def open_installed(name: str, settings: ReaderSettings, shelf: ModelShelf) -> PlateReader:
    """A reader with the installed pair ``name`` or the shipped one, put to its trial. Raises ModelError."""
    return tried(load_pair(name, shelf), settings)


def load_pair(name: str, shelf: ModelShelf) -> ModelPair:
    """The pair's files, checked. Raises ModelError."""
    return load_models(None if name == SHIPPED else shelf.path(name))
