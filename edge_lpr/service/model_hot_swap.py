"""The pair of models that the service reads with follows the shelf, without a frame being lost.

``edge-lpr models`` changes the choice on the shelf. The frame loop notices between two frames, has the pair loaded and
put to its trial in a thread beside it, and reads its next frame with it once that is done. A vehicle in sight is read
by the old pair first and by the new one then, and stays one vehicle. What fails its trial is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import ModelError
from edge_lpr.model_store.loading import OpenedPair, open_installed
from edge_lpr.model_store.store import ModelShelf

_log = logging.getLogger(__name__)


class ModelHotSwap:
    """``put_in`` is given each new pair, in the thread that calls ``work``. A context manager."""

    def __init__(
        self, shelf: ModelShelf, settings: ReaderSettings, current: str, put_in: Callable[[OpenedPair], None]
    ) -> None:
        """``current`` is the name of the pair in use."""
        self._shelf = shelf
        self._settings = settings
        self._current = current
        self._put_in = put_in
        self._mark = shelf.mark()
        self._loader = ThreadPoolExecutor(1, "models")
        self._load: Future[OpenedPair] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loader.shutdown(cancel_futures=True)

    def look_again(self) -> None:
        """Try once more a pair that was refused."""
        self._mark = None

    def work(self) -> None:
        """One step: notice another choice, or read with what has been loaded since. Never waits."""
        if self._settings.models_dir is not None:
            return
        if self._load is not None:
            if self._load.done():
                self._finish(self._load)
                self._load = None
            return
        mark = self._shelf.mark()
        if mark != self._mark:
            self._mark = mark
            self._begin()

    def _begin(self) -> None:
        try:
            name = self._shelf.choice().active
        except ModelError as error:
            _log.error("the choice of models cannot be followed, %s stays in use: %s", self._current, error)
            return
        if name != self._current:
            self._load = self._loader.submit(self._open, name)

    def _open(self, name: str) -> OpenedPair:
        return OpenedPair(open_installed(name, self._settings, self._shelf), name)

    def _finish(self, load: Future[OpenedPair]) -> None:
        try:
            pair = load.result()
        except ModelError as error:
            _log.error("the chosen models are refused, %s stays in use: %s", self._current, error)
            return
        self._put_in(pair)
        _log.info("reading with the models %s from this frame on, %s until now", pair.name, self._current)
        self._current = pair.name
