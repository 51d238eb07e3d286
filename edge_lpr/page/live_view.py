"""The live picture for several viewers: each waits for the next picture, and all get the same bytes.

Without requests nothing runs. The first request for a new picture has it encoded in a thread; the other requests get
the same one. At most ``fps`` pictures per second are encoded, one at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from edge_lpr.errors import EdgeLprError
from edge_lpr.link.scene import Scene

WAIT_S = 8.0
"""Seconds that a request waits for a new picture before it is answered without one."""

POLL_S = 0.05
"""Seconds between two polls for a new scene; a poll takes microseconds."""

GONE_S = 5.0
"""Seconds without a request after which a viewer counts as gone."""


class TooManyViewers(EdgeLprError):
    """The limit of viewers is reached."""


@dataclass(frozen=True, slots=True)
class LivePicture:
    """One encoded picture. ``number`` increases; ``content`` is the message of ``encoding.SceneEncoder``."""

    number: int
    content: bytes


class SceneSource(Protocol):
    """Where scenes come from: the server's end of the link to the gate."""

    def keep_watching(self) -> None:
        """Asks for scenes for a few seconds more."""

    def scene(self) -> Scene | None:
        """Returns the newest scene that has come; None before the first one."""


class LiveView:
    """For the event loop; ``close`` may be called from any thread. ``fps``: the most pictures per second."""

    def __init__(self, scenes: SceneSource, encode: Callable[[Scene], bytes], fps: float, viewers: int) -> None:
        self._scenes = scenes
        self._encode = encode
        self._pause_s = 1 / fps
        self._places = viewers
        self._viewers: dict[str, float] = {}
        self._lock = asyncio.Lock()
        self._newest: LivePicture | None = None
        self._due_s = 0.0
        self._closing = False

    async def after(self, number: int, viewer: str, has_left: Callable[[], Awaitable[bool]]) -> LivePicture | None:
        """Waits up to ``WAIT_S`` for a picture with another number than ``number``; returns None without one.

        ``viewer`` names the viewer. ``has_left`` returns True once its connection is closed. Raises TooManyViewers if
        the limit of viewers is reached.
        """
        ends_s = time.monotonic() + WAIT_S
        while not self._closing and time.monotonic() < ends_s and not await has_left():
            self._admit(viewer)
            self._scenes.keep_watching()
            picture = await self._current()
            if picture is not None and picture.number != number:
                return picture
            await asyncio.sleep(POLL_S)
        return None

    def close(self) -> None:
        """Ends the requests that wait."""
        self._closing = True

    def _admit(self, viewer: str) -> None:
        now_s = time.monotonic()
        self._viewers = {name: seen_s for name, seen_s in self._viewers.items() if now_s - seen_s < GONE_S}
        if viewer not in self._viewers and len(self._viewers) >= self._places:
            raise TooManyViewers(f"{self._places} others are watching; one of them must leave first")
        self._viewers[viewer] = now_s

    async def _current(self) -> LivePicture | None:
        async with self._lock:
            scene = self._scenes.scene()
            if scene is None:
                self._newest = None
            elif (self._newest is None or scene.number != self._newest.number) and time.monotonic() >= self._due_s:
                self._due_s = time.monotonic() + self._pause_s
                self._newest = LivePicture(scene.number, await asyncio.to_thread(self._encode, scene))
            return self._newest
