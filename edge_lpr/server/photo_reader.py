"""Reads requested pictures with the server's own reader, which follows the choice in the model store."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, Settings
from edge_lpr.model_store.hot_swap import ModelHotSwap
from edge_lpr.model_store.loading import OpenedPair, open_pair
from edge_lpr.model_store.store import ModelStore
from edge_lpr.readings import PlateReading


class PhotoReader:
    """Reads pictures with the active pair of models. A context manager."""

    def __init__(self, settings: Settings) -> None:
        """Loads the models. Raises ModelError when no pair can be loaded."""
        store = ModelStore(settings.device)
        pair = open_pair(settings.reader, store)
        self._reader = pair.reader
        self._hot_swap = ModelHotSwap(store, settings.reader, pair.name, self._use)

    def __enter__(self) -> Self:
        self._hot_swap.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._hot_swap.__exit__(kind, error, at)

    def read(self, image: NDArray[np.uint8]) -> list[PlateReading]:
        """Returns the plates in a picture, uint8 of shape (H, W, 3), BGR; the best first."""
        return self._reader.read(image, min_plate_width=PHOTO_MIN_PLATE_WIDTH)

    def follow_choice(self) -> None:
        """Loads another pair if one was chosen. Call it now and then; never waits."""
        self._hot_swap.process_pending()

    def _use(self, pair: OpenedPair) -> None:
        self._reader = pair.reader
