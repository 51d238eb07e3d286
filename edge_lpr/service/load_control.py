"""How loaded the machine is, and how much rest a live camera's reader takes because of it.

A gate never falls behind: only the newest frame is read, whatever the machine does. A board that is hot or short of
current is helped by reading fewer of them: after each frame the reader rests as long as it read, which halves its work
and leaves a vehicle still more than enough frames. Recordings lose no frame to this.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge_lpr.cameras import CameraStatus
from edge_lpr.host.board import Throttling, temperature_celsius, throttling

LoadState = Literal["normal", "busy", "hot", "throttled"]
WorkState = Literal["idle"] | LoadState

LOOK_EVERY_S = 5.0
"""Seconds between two looks at the board's sensors."""

HOT_C = 80.0
"""A Raspberry Pi begins to slow itself down here. Source: Raspberry Pi documentation, "Frequency management"."""

COOL_C = 75.0
"""Below this a hot board counts as cool again."""

BUSY_SHARE = 0.5
"""Share of a camera's frames dropped unseen from which on the machine is busy."""

LONGEST_REST_S = 0.3
"""A third of the time (passage.max_gap_s) that a vehicle may be out of sight."""


@dataclass(frozen=True, slots=True)
class ReadingStatus:
    """What the reader does with a live camera's frames, for health. ``state`` is ``idle`` while nothing moves.

    ``frames_read`` of all; ``frames_idle`` passed over as nothing had moved; ``frames_rested`` to spare the board.
    """

    state: WorkState = "normal"
    frames_read: int = 0
    frames_idle: int = 0
    frames_rested: int = 0


class LoadControl:
    """Looks at the board and at what the camera loop drops. Times in seconds on the monotonic clock."""

    def __init__(
        self,
        temperature: Callable[[], float | None] = temperature_celsius,
        flags: Callable[[], Throttling | None] = throttling,
    ) -> None:
        self.state: LoadState = "normal"
        """``throttled``: the board has slowed down or lacks current; ``hot``: it soon will; ``busy``: most frames come
        too fast to be looked at."""
        self._temperature = temperature
        self._flags = flags
        self._due_s = 0.0
        self._is_hot = False
        self._captured = self._dropped = 0

    def look(self, camera: CameraStatus, now_s: float) -> None:
        """Look round if it is time."""
        if now_s < self._due_s:
            return
        self._due_s = now_s + LOOK_EVERY_S
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
        """How long to rest after a frame that took ``read_s`` seconds to read."""
        return min(read_s, LONGEST_REST_S) if self.state in ("hot", "throttled") else 0.0

    def _drops_most(self, camera: CameraStatus) -> bool:
        captured, dropped = camera.frames_captured - self._captured, camera.frames_dropped - self._dropped
        self._captured, self._dropped = camera.frames_captured, camera.frames_dropped
        return captured > 0 and dropped > BUSY_SHARE * captured
