"""What the page asks of the service, and what it may change in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_lpr.config import PassageSettings, Settings
from edge_lpr.errors import ConfigError
from edge_lpr.messages.payloads import JsonObject
from edge_lpr.page.camera_advice import COMFORTABLE_WIDTH
from edge_lpr.page.recent_passages import RecentPassages
from edge_lpr.service.reload import Outcome, ReloadRequests

RELOAD_S = 10.0
"""Seconds for the frame loop to take new settings on; it goes round twice a second even without a camera."""

DEEPEST = 3
"""Lists in one another: areas of points of coordinates."""

DECIMALS = 4
"""Of a corner's place: a tenth of a pixel."""

_LANE = {"Lane": "lane", "Ignore": "ignore", "Line": "line", "LineIn": "line_in"}
"""Names in JSON, and the settings of ``passage`` that they are."""

Save = Callable[[str, Mapping[str, Any]], None]


@dataclass
class PageBackend:
    """``settings`` are those in force; ``save`` writes to their file (None where there is none), ``reloads`` makes the
    service read it anew; ``health`` is the message of the topic ``health``, None before the first turn."""

    settings: Settings
    health: Callable[[], JsonObject | None]
    recent: RecentPassages
    folder: Path
    reloads: ReloadRequests
    save: Save | None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def status(self) -> JsonObject:
        """Health and the settings that the page shows. May be called from any thread."""
        settings = self.settings
        return {
            "Device": settings.device.id,
            "Health": self.health(),
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
        """Save what differs from the settings in force, and put it into force. Raises ConfigError."""
        if unknown := sorted(set(wanted) - set(_LANE)):
            raise ConfigError(f"{unknown[0]}: no such setting of a lane; there are {', '.join(_LANE)}")
        rounded = {name: _rounded(value) for name, value in wanted.items()}
        if self.save is None:
            raise ConfigError("this service runs without a settings file; there is nothing to save to")
        async with self._turn:  # of two who save at once, the second one changes what the first one left
            now = _lane(self.settings.passage)
            changes = {_LANE[name]: value for name, value in rounded.items() if value != now[name]}
            if not changes:
                return {"Applied": [], "NeedRestart": []}
            await asyncio.to_thread(self.save, "passage", changes)
            outcome = await self._reload()
        if outcome.error is not None:
            raise outcome.error
        return {"Applied": list(outcome.applied), "NeedRestart": list(outcome.needs_restart)}

    async def _reload(self) -> Outcome:
        done: Future[Outcome] = Future()
        self.reloads.ask(done.set_result)
        try:
            # Shielded: the frame loop must find a future that it can still answer.
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(done)), RELOAD_S)
        except TimeoutError as error:
            raise ConfigError("saved, but the service did not take it on in time; restart it") from error


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
