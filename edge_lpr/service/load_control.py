"""Load control: the state of the board, and the pauses that a live camera's reader makes because of it.

A gate never falls behind, because only the newest frame is read. A board that is hot or lacks current is relieved by
reading fewer frames: after each frame the reader pauses for as long as the frame took. That halves its work, and still
leaves more than enough frames of each vehicle. Recordings lose no frame to this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge_lpr.cameras import CameraStatus
from edge_lpr.host.board import Throttling, temperature_celsius, throttling

LoadState = Literal["normal", "busy", "hot", "throttled"]
ReadingState = Literal["idle"] | LoadState

MEASURE_EVERY_S = 5.0
"""Seconds between two measurements of the board's sensors."""

HOT_C = 80.0
"""A Raspberry Pi begins to slow down here. Source: Raspberry Pi documentation, "Frequency management"."""

COOL_C = 75.0
"""Below this temperature a hot board counts as cool again."""

BUSY_SHARE = 0.5
"""The machine is busy when more than this share of the camera's frames is dropped unread."""

LONGEST_REST_S = 0.3
"""A third of the time (passage.max_gap_s) for which a vehicle may be out of sight."""


@dataclass(frozen=True, slots=True)
class ReadingStatus:
    """What happened to the frames of a live camera. ``state`` is ``idle`` while nothing moves.

    ``frames_read`` were read, ``frames_idle`` were skipped because nothing had moved, ``frames_rested`` to relieve a
    hot board.
    """

    state: ReadingState = "normal"
    frames_read: int = 0
    frames_idle: int = 0
    frames_rested: int = 0


class LoadControl:
    """Watches the board's sensors and the share of dropped frames. Times are monotonic seconds."""

    def __init__(
        self,
        temperature: Callable[[], float | None] = temperature_celsius,
        flags: Callable[[], Throttling | None] = throttling,
    ) -> None:
        self.state: LoadState = "normal"
        """``throttled``: the board has slowed down or lacks current. ``hot``: it soon will. ``busy``: most frames come
        too fast to be read."""
        self._temperature = temperature
        self._flags = flags
        self._due_s = 0.0
        self._is_hot = False
        self._captured = self._dropped = 0

    def update(self, camera: CameraStatus, now_s: float) -> None:
        """Measures, if a measurement is due."""
        if now_s < self._due_s:
            return
        self._due_s = now_s + MEASURE_EVERY_S
        is_busy = self._drops_most(camera)
        flags = self._flags()
        temperature = self._temperature()
        self._is_hot = temperature is not None and temperature >= (COOL_C if self._is_hot else HOT_C)
        if flags is not None and (flags.throttled or flags.frequency_capped or flags.under_voltage):
            self.state = "throttled"
        elif self._is_hot or (flags is not None and flags.soft_temperature_limit):
            self.state = "hot"
        else:
            self.state = "busy" if is_busy else "normal"

    def rest_s(self, read_s: float) -> float:
        """Returns the seconds to pause after a frame that took ``read_s`` seconds to read."""
        return min(read_s, LONGEST_REST_S) if self.state in ("hot", "throttled") else 0.0

    def _drops_most(self, camera: CameraStatus) -> bool:
        captured, dropped = camera.frames_captured - self._captured, camera.frames_dropped - self._dropped
        self._captured, self._dropped = camera.frames_captured, camera.frames_dropped
        return captured > 0 and dropped > BUSY_SHARE * captured
