"""Reload of the settings while the service runs.

SIGHUP, the MQTT request ``reload`` and the page ask for it. The files are read and checked in a thread of their own.
The frame loop then uses the new values between two frames, so no other code has to expect settings that change. What
can be applied at once is applied, the rest is named, and invalid settings change nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from edge_lpr.config import Settings
from edge_lpr.config.reload import (
    ReloadCallback,
    ReloadRequests,
    ReloadResult,
    changed_settings,
    is_live,
    with_live_settings,
)
from edge_lpr.errors import ConfigError
from edge_lpr.host.systemd import SystemdNotifier

PAUSE_S = 1.0
"""Seconds between the beginnings of two reloads. Requests in between share the next one."""

_log = logging.getLogger(__name__)


class SettingsListener(Protocol):
    """Takes new settings while the service runs."""

    def apply_settings(self, settings: Settings) -> None:
        """Uses the live settings of ``settings`` from now on."""


class Reloader:
    """Reads the settings with ``load`` (which may raise ConfigError) and gives them to the ``listeners``, in order.

    A context manager, which ends its thread.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Settings],
        requests: ReloadRequests,
        listeners: Sequence[SettingsListener],
        notifier: SystemdNotifier,
    ) -> None:
        self._settings = settings
        self._load = load
        self._requests = requests
        self._listeners = listeners
        self._notifier = notifier
        self._loader = ThreadPoolExecutor(1, "reload")
        self._loading: Future[Settings] | None = None
        self._callbacks: list[ReloadCallback | None] = []
        self._due_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loader.shutdown(wait=False, cancel_futures=True)

    def process_pending(self) -> None:
        """Begins a reload if anything asked for it, or uses one whose files have been read. Never waits."""
        if self._loading is not None:
            if self._loading.done():
                self._finish(self._loading)
                self._loading = None
        elif time.monotonic() >= self._due_s and (callbacks := self._requests.take_requests()):
            self._due_s = time.monotonic() + PAUSE_S
            self._callbacks = callbacks
            self._notifier.reloading()
            self._loading = self._loader.submit(self._load)

    def _finish(self, loading: Future[Settings]) -> None:
        result = self._apply(loading)
        self._notifier.reloaded()
        for callback in self._callbacks:
            if callback is not None:
                callback(result)

    def _apply(self, loading: Future[Settings]) -> ReloadResult:
        try:
            wanted = loading.result()
        except ConfigError as error:
            _log.error("the new settings are refused, the old ones stay: %s", "; ".join((str(error), *error.faults)))
            return ReloadResult(error=error)
        changed = list(changed_settings(self._settings, wanted))
        applied = tuple(name for name in changed if is_live(name))
        needs_restart = tuple(name for name in changed if not is_live(name))
        self._settings = with_live_settings(self._settings, wanted)
        for listener in self._listeners:
            listener.apply_settings(self._settings)
        _log.info("settings read anew; applied: %s", ", ".join(applied) or "nothing changed")
        if needs_restart:
            _log.warning("these changed settings wait for a restart of the service: %s", ", ".join(needs_restart))
        return ReloadResult(applied, needs_restart)
