"""A scene: one frame that was read, with its plates and what the tracker knows of them."""

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
    """One frame that was read.

    Attributes:
        number: Counts the scenes of a gate from 1.
        frame: The frame.
        plates: Its plates, best first.
        narrow: The positions of plates that are too narrow to read.
        read_at_s: When it was read, in seconds on the monotonic clock, which all processes of a machine share.
    """

    number: int
    frame: Frame
    plates: tuple[ScenePlate, ...]
    narrow: tuple[Quad, ...]
    read_at_s: float

    @property
    def image(self) -> NDArray[np.uint8]:
        """uint8 of shape (H, W, 3), BGR."""
        return self.frame.image


def make_scene(
    number: int, frame: Frame, readings: Sequence[PlateReading], tracks: Sequence[Track], narrow: tuple[Quad, ...]
) -> Scene:
    """Returns the scene of ``frame``, which was just read. ``tracks`` are those after the frame."""
    at = {track.motion.position: track for track in tracks if track.last_seen_s == frame.monotonic_s}
    plates = tuple(ScenePlate(reading, _followed(at.get(Position.from_quad(reading.quad)))) for reading in readings)
    return Scene(number, frame, plates, narrow, time.monotonic())


def _followed(track: Track | None) -> FollowedTrack | None:
    return (
        None
        if track is None
        else FollowedTrack(track.id, track.vote_result, track.frames, track.published_number is not None)
    )
