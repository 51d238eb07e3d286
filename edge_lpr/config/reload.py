"""Changes of the settings while the service runs: the requests to reload, and what a reload may apply.

The frame loop takes the requests between two frames, so no other thread sees the settings change.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from edge_lpr.config.settings import Settings
from edge_lpr.errors import ConfigError

LIVE_SETTINGS = (
    "passage",
    "lists",
    "reader.min_confidence",
    "reader.idle_look_s",
    "mqtt.health_every_s",
    "log.level",
)
"""Sections and settings that a reload applies. All others need a restart of the service."""


@dataclass(frozen=True, slots=True)
class ReloadResult:
    """What a reload did.

    Attributes:
        applied: Names of the changed settings that are in force now.
        needs_restart: Names of the changed settings that need a restart.
        error: Why the new settings were refused. Nothing changed then.
    """

    applied: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    error: ConfigError | None = None


ReloadCallback = Callable[[ReloadResult], None]


class ReloadRequests:
    """The requests to reload that wait for the frame loop. Safe in any thread and in a signal handler."""

    def __init__(self) -> None:
        # A signal handler may interrupt put() in the same thread. Only SimpleQueue allows that.
        self._waiting: queue.SimpleQueue[ReloadCallback | None] = queue.SimpleQueue()

    def request_reload(self, callback: ReloadCallback | None = None) -> None:
        """Requests a reload. ``callback`` receives the result in the frame loop's thread."""
        self._waiting.put(callback)

    def take_requests(self) -> list[ReloadCallback | None]:
        """Returns the callbacks of all waiting requests and removes them. One reload serves them all."""
        taken = []
        while not self._waiting.empty():
            taken.append(self._waiting.get())
        return taken


def changed_settings(old: BaseModel, new: BaseModel, prefix: str = "") -> Iterator[str]:
    """Yields the names of the settings that differ, such as ``passage.lane``."""
    for name in type(old).model_fields:
        before, after = getattr(old, name), getattr(new, name)
        if type(before) is type(after) and isinstance(before, BaseModel):
            yield from changed_settings(before, after, f"{prefix}{name}.")
        elif before != after:
            yield f"{prefix}{name}"


def is_live(name: str) -> bool:
    """Whether a reload applies the setting ``name``, such as ``passage.lane``."""
    return any(name == live or name.startswith(f"{live}.") for live in LIVE_SETTINGS)


def with_live_settings(old: Settings, new: Settings) -> Settings:
    """Returns ``old`` with the live settings of ``new``."""
    update: dict[str, BaseModel] = {}
    for live in LIVE_SETTINGS:
        section, _, name = live.partition(".")
        before = update.get(section, getattr(old, section))
        wanted = getattr(new, section)
        update[section] = before.model_copy(update={name: getattr(wanted, name)}) if name else wanted
    return old.model_copy(update=update)
