"""The page's access to the service: the status it shows, and the settings it may change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_lpr.config import PassageSettings, Settings
from edge_lpr.config.reload import ReloadCallback, ReloadResult
from edge_lpr.errors import ConfigError
from edge_lpr.messages.encoding import JsonObject
from edge_lpr.messages.health import HealthMessage
from edge_lpr.page.camera_advice import COMFORTABLE_WIDTH
from edge_lpr.page.recent_passages import RecentPassages

RELOAD_S = 10.0
"""Seconds in which the frame loop must apply new settings. It iterates twice a second even without a camera."""

DEEPEST = 3
"""Depth of nested lists: areas of points of coordinates."""

DECIMALS = 4
"""Decimals of a coordinate: about a tenth of a pixel."""

_LANE = {"Lane": "lane", "Ignore": "ignore", "Line": "line", "LineIn": "line_in"}
"""Names in JSON and the settings of ``passage`` that they stand for."""

SaveLanes = Callable[[Mapping[str, Any]], None]


@dataclass
class PageBackend:
    """What the routes read and change.

    ``settings`` are those in force. ``save`` saves lanes, None without a settings file. ``request_reload`` requests
    a reload. ``health`` returns the payload of the topic ``health``, None before the first one.
    """

    settings: Settings
    health: Callable[[], HealthMessage | None]
    recent: RecentPassages
    folder: Path
    request_reload: Callable[[ReloadCallback], None]
    save: SaveLanes | None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def status(self) -> JsonObject:
        """Returns the health and the settings that the page shows. May be called from any thread."""
        settings, health = self.settings, self.health()
        return {
            "Device": settings.device.id,
            "Health": None if health is None else health.to_json(),
            "PassageCount": self.recent.count,
            "Lane": _lane(settings.passage),
            "MinPlateWidth": settings.reader.min_plate_width,
            "ComfortablePlateWidth": COMFORTABLE_WIDTH,
            "MinConfidence": settings.reader.min_confidence,
            "Keep": settings.evidence.keep,
            "Images": settings.privacy.images,
            "CanSave": self.save is not None,
        }

    async def save_lane(self, wanted: JsonObject) -> JsonObject:
        """Saves what differs from the settings in force, and applies it. Raises ConfigError."""
        if unknown := sorted(set(wanted) - set(_LANE)):
            raise ConfigError(f"{unknown[0]}: no such setting of a lane; there are {', '.join(_LANE)}")
        rounded = {name: _rounded(value) for name, value in wanted.items()}
        if self.save is None:
            raise ConfigError("this service runs without a settings file; there is nothing to save to")
        async with self._turn:  # of two concurrent saves the second one starts from the result of the first
            now = _lane(self.settings.passage)
            changes = {_LANE[name]: value for name, value in rounded.items() if value != now[name]}
            if not changes:
                return {"Applied": [], "NeedRestart": []}
            await asyncio.to_thread(self.save, changes)
            outcome = await self._reload()
        if outcome.error is not None:
            raise outcome.error
        return {"Applied": list(outcome.applied), "NeedRestart": list(outcome.needs_restart)}

    async def _reload(self) -> ReloadResult:
        done: Future[ReloadResult] = Future()
        self.request_reload(done.set_result)
        try:
            # Shielded: after a time-out the frame loop must still be able to set the result.
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), RELOAD_S)
        except TimeoutError as error:
            raise ConfigError("saved, but the service did not apply it in time; restart it") from error


def _lane(passage: PassageSettings) -> JsonObject:
    return {name: _listed(getattr(passage, setting)) for name, setting in _LANE.items()}


def _listed(value: Any) -> Any:
    return [_listed(inner) for inner in value] if isinstance(value, tuple) else value


def _rounded(value: Any, depth: int = 0) -> Any:
    if isinstance(value, list):
        if depth == DEEPEST:
            raise ConfigError("lists in lists in lists; a lane is a list of points [x, y]")
        return [_rounded(inner, depth + 1) for inner in value]
    return round(value, DECIMALS) if isinstance(value, float) else value
