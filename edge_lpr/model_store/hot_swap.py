"""Hot swap of the model pair: gate and server follow the choice in the model store without losing a picture.

``edge-lpr models`` changes the choice. The frame loop notices it between two frames and has the pair loaded and tested
in another thread. Once that is done, the next frame is read with the new pair. A vehicle in sight is then read by both
pairs, and stays one vehicle. A pair that fails its test is refused.
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
from edge_lpr.model_store.store import ModelStore

_log = logging.getLogger(__name__)


class ModelHotSwap:
    """Calls ``use`` with each newly chosen pair that passed its test. A context manager."""

    def __init__(
        self, store: ModelStore, settings: ReaderSettings, current: str, use: Callable[[OpenedPair], None]
    ) -> None:
        """``current`` is the name of the pair in use."""
        self._store = store
        self._settings = settings
        self._current = current
        self._use = use
        self._choice_version = store.choice_version()
        self._loader = ThreadPoolExecutor(1, "models")
        self._loading: Future[OpenedPair] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loader.shutdown(cancel_futures=True)

    def retry_refused(self) -> None:
        """Makes the next ``process_pending`` try a refused pair again."""
        self._choice_version = None

    def process_pending(self) -> None:
        """Starts to load another choice, or uses a pair that has been loaded. Never waits."""
        if self._settings.models_dir is not None:
            return
        if self._loading is not None:
            if self._loading.done():
                self._finish(self._loading)
                self._loading = None
            return
        version = self._store.choice_version()
        if version != self._choice_version:
            self._choice_version = version
            self._start_loading()

    def _start_loading(self) -> None:
        try:
            name = self._store.read_choice().active
        except ModelError as error:
            _log.error("the choice of models cannot be followed, %s stays in use: %s", self._current, error)
            return
        if name != self._current:
            self._loading = self._loader.submit(self._open, name)

    def _open(self, name: str) -> OpenedPair:
        return OpenedPair(open_installed(name, self._settings, self._store), name)

    def _finish(self, loading: Future[OpenedPair]) -> None:
        try:
            pair = loading.result()
        except ModelError as error:
            _log.error("the chosen models are refused, %s stays in use: %s", self._current, error)
            return
        self._use(pair)
        _log.info("reading with the models %s from now on, %s until now", pair.name, self._current)
        self._current = pair.name
