"""The live picture for a few viewers at once: each waits for the next one, and all are given the same bytes.

Nothing runs here while nobody asks. Who asks first for a new picture has it made, in a thread beside the event loop,
and the others find it done; not more often than ``fps`` times a second, and one at a time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge_lpr.errors import EdgeLprError
from edge_lpr.page.scene import Scene, SceneBuffer

WAIT_S = 8.0
"""Seconds that a viewer waits for a new picture, before it is told that there is none."""

LOOK_S = 0.05
"""Seconds between two looks for a new scene, each of some microseconds."""

GONE_S = 5.0
"""Seconds without a request after which a viewer has left."""


class TooManyViewers(EdgeLprError):
    """All places are taken."""


@dataclass(frozen=True, slots=True)
class LivePicture:
    """``number`` counts up; ``content`` is ``encoding.SceneEncoder.encode``'s."""

    number: int
    content: bytes


class LiveView:
    """For the event loop; ``close`` may be called from any thread. ``fps``: pictures a second at most."""

    def __init__(self, scenes: SceneBuffer, make: Callable[[int, Scene], bytes], fps: float, viewers: int) -> None:
        self._scenes = scenes
        self._make = make
        self._pause_s = 1 / fps
        self._places = viewers
        self._viewers: dict[str, float] = {}
        self._lock = asyncio.Lock()
        self._newest: LivePicture | None = None
        self._due_s = 0.0
        self._closing = False

    async def after(self, number: int, viewer: str, has_left: Callable[[], Awaitable[bool]]) -> LivePicture | None:
        """A picture other than the ``number``-th, waited for up to ``WAIT_S``; None when there is none.

        ``viewer`` names who asks, ``has_left`` tells when it waits no more. Raises TooManyViewers when all places are
        taken by others.
        """
        ends_s = time.monotonic() + WAIT_S
        while not self._closing and time.monotonic() < ends_s and not await has_left():
            self._admit(viewer)
            self._scenes.keep_active()
            picture = await self._current()
            if picture is not None and picture.number != number:
                return picture
            await asyncio.sleep(LOOK_S)
        return None

    def close(self) -> None:
        """Let nobody wait any longer."""
        self._closing = True

    def _admit(self, viewer: str) -> None:
        now_s = time.monotonic()
        self._viewers = {name: seen_s for name, seen_s in self._viewers.items() if now_s - seen_s < GONE_S}
        if viewer not in self._viewers and len(self._viewers) >= self._places:
            raise TooManyViewers(f"{self._places} others are watching; one of them must leave first")
        self._viewers[viewer] = now_s

    async def _current(self) -> LivePicture | None:
        async with self._lock:
            newest = self._scenes.newest()
            if newest is None:
                self._newest = None
            elif (self._newest is None or newest[0] != self._newest.number) and time.monotonic() >= self._due_s:
                self._due_s = time.monotonic() + self._pause_s
                self._newest = LivePicture(newest[0], await asyncio.to_thread(self._make, *newest))
            return self._newest
