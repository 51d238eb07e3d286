"""The scene buffer: the newest frame with its plates, kept only while there are viewers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.motion import Position
from edge_lpr.tracking.track import Track
from edge_lpr.tracking.vote import VoteResult

VIEWER_TIMEOUT_S = 3.0
"""Seconds for which frames are kept after a viewer's last request. A viewer sends several requests per second."""


@dataclass(frozen=True, slots=True)
class FollowedTrack:
    """The state of a track after one frame. ``serial`` identifies it; ``published``: its passage was published."""

    serial: int
    verdict: VoteResult | None
    frames: int
    published: bool


@dataclass(frozen=True, slots=True, eq=False)
class ScenePlate:
    """One plate of a scene. ``followed`` is None outside of the lane and in ignored areas."""

    reading: PlateReading
    followed: FollowedTrack | None


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One frame that was read. ``narrow``: the positions of plates that are too narrow to read."""

    frame: Frame
    plates: tuple[ScenePlate, ...]
    narrow: tuple[Quad, ...]

    @property
    def image(self) -> NDArray[np.uint8]:
        """uint8 of shape (H, W, 3), BGR."""
        return self.frame.image


class SceneBuffer:
    """The frame loop calls ``add_frame`` and ``add_narrow_plates``; all else may be called from any thread."""

    def __init__(self) -> None:
        self._until_s = float("-inf")
        self._narrow: tuple[Quad, ...] = ()
        self._newest: tuple[int, Scene] | None = None
        self._count = 0

    @property
    def is_active(self) -> bool:
        """Whether there was a viewer in the last seconds."""
        return time.monotonic() < self._until_s

    def keep_active(self) -> None:
        """Records a viewer's request."""
        self._until_s = time.monotonic() + VIEWER_TIMEOUT_S

    def newest(self) -> tuple[int, Scene] | None:
        """Returns the newest scene with its number, from 1; None before the first one."""
        return self._newest

    def add_narrow_plates(self, quads: list[Quad]) -> None:
        """Takes the plates of the frame being read that are too narrow to read."""
        self._narrow = tuple(quads)

    def add_frame(self, frame: Frame, readings: Sequence[PlateReading], tracks: Sequence[Track]) -> None:
        """Takes a frame that was read, with its readings and the tracks after it."""
        if not self.is_active:
            self._newest = None
            return
        at = {track.motion.position: track for track in tracks if track.last_seen_s == frame.monotonic_s}
        plates = tuple(ScenePlate(reading, _followed(at.get(Position.from_quad(reading.quad)))) for reading in readings)
        self._count += 1
        self._newest = (self._count, Scene(frame, plates, self._narrow))


def _followed(track: Track | None) -> FollowedTrack | None:
    return (
        None
        if track is None
        else FollowedTrack(track.id, track.vote_result, track.frames, track.published_number is not None)
    )
