"""Reload of the settings while the service runs.

SIGHUP, the MQTT request ``reload`` and the page ask for it. The frame loop does it between two frames, so no other code
has to expect settings that change. What can be applied at once is applied, the rest is named, and invalid settings
change nothing.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import BaseModel

from edge_lpr.config import Settings
from edge_lpr.errors import ConfigError
from edge_lpr.host.systemd import SystemdNotifier

LIVE = (
    "passage",
    "lists",
    "reader.min_confidence",
    "reader.idle_look_s",
    "mqtt.health_every_s",
    "log.level",
)
"""Sections and settings that are applied without a restart."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reload did: settings applied, settings that wait for a restart; or the error that changed nothing."""

    applied: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    error: ConfigError | None = None


Answer = Callable[[Outcome], None]


class ReloadRequests:
    """Where a reload is asked for; safe in any thread and in a signal handler, which may break in anywhere."""

    def __init__(self) -> None:
        # SimpleQueue alone promises that put() may interrupt itself.
        self._waiting: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()

    def ask(self, answer: Answer | None = None) -> None:
        """Ask for one; ``answer`` is told of it in the frame loop's thread."""
        self._waiting.put(answer)

    def take(self) -> list[Answer | None]:
        """What was asked since the last call; one reload answers them all."""
        taken = []
        while not self._waiting.empty():
            taken.append(self._waiting.get())
        return taken


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
        answers = self._requests.take()
        if not answers:
            return
        self._notifier.reloading()
        result = self._reload()
        self._notifier.reloaded()
        for answer in answers:
            if answer is not None:
                answer(result)

    def _reload(self) -> Outcome:
        try:
            wanted = self._load()
        except ConfigError as error:
            _log.error("the new settings are refused, the old ones stay: %s", "; ".join((str(error), *error.faults)))
            return Outcome(error=error)
        changed = list(differences(self._settings, wanted))
        applied = tuple(name for name in changed if _is_live(name))
        needs_restart = tuple(name for name in changed if not _is_live(name))
        self._settings = _with_live(self._settings, wanted)
        for listener in self._listeners:
            listener.apply_settings(self._settings)
        _log.info("settings read anew; applied: %s", ", ".join(applied) or "nothing changed")
        if needs_restart:
            _log.warning("these changed settings wait for a restart of the service: %s", ", ".join(needs_restart))
        return Outcome(applied, needs_restart)


def differences(old: BaseModel, new: BaseModel, prefix: str = "") -> Iterator[str]:
    """The names of the settings that differ, as in ``passage.lane``."""
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if type(before) is type(after) and isinstance(before, BaseModel):
            yield from differences(before, after, f"{prefix}{name}.")
        elif before != after:
            yield f"{prefix}{name}"


def _is_live(name: str) -> bool:
    return any(name == live or name.startswith(f"{live}.") for live in LIVE)


def _with_live(old: Settings, new: Settings) -> Settings:
    """``old`` with the live settings of ``new``."""
    update: dict[str, BaseModel] = {}
    for live in LIVE:
        section, _, name = live.partition(".")
        before = update.get(section, getattr(old, section))
        wanted = getattr(new, section)
        update[section] = before.model_copy(update={name: getattr(wanted, name)}) if name else wanted
    return old.model_copy(update=update)
