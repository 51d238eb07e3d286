"""Reload of the settings while the service runs.

SIGHUP, the MQTT request ``reload`` and the page ask for it. The frame loop does it between two frames, so no other code
has to expect settings that change. What can be applied at once is applied, the rest is named, and invalid settings
change nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from edge_lpr.config import Settings
from edge_lpr.config.reload import ReloadRequests, ReloadResult, changed_settings, is_live, with_live_settings
from edge_lpr.errors import ConfigError
from edge_lpr.host.systemd import SystemdNotifier

_log = logging.getLogger(__name__)


class SettingsListener(Protocol):
    """Takes new settings while the service runs."""

    def apply_settings(self, settings: Settings) -> None:
        """Uses the live settings of ``settings`` from now on."""


class Reloader:
    """Reads the settings with ``load`` (which may raise ConfigError) and gives them to the ``listeners``, in order."""

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

    def process_pending(self) -> None:
        """Reloads once if anything asked for it, and answers all who asked."""
        callbacks = self._requests.take_requests()
        if not callbacks:
            return
        self._notifier.reloading()
        result = self._reload()
        self._notifier.reloaded()
        for callback in callbacks:
            if callback is not None:
                callback(result)

    def _reload(self) -> ReloadResult:
        try:
            wanted = self._load()
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
