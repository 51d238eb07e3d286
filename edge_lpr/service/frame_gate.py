"""Which frames are read: all of a recording; of a live camera, those that the idle gate and the board's heat allow."""

from __future__ import annotations

from edge_lpr.cameras import CameraStatus
from edge_lpr.frames import Frame
from edge_lpr.service.idle import MotionGate
from edge_lpr.service.load_control import LoadControl, ReadingStatus

IDLE_FOR_S = 2.0
"""How long a frame that was passed over keeps the state ``idle``; more than the pause between two looks is needless."""


class FrameGate:
    """Asked for each frame. Times in seconds on the monotonic clock."""

    def __init__(self, gate: MotionGate, load: LoadControl, *, live: bool) -> None:
        self._gate = gate
        self._load = load
        self._live = live
        self._read = self._idle = self._rested = 0
        self._rest_until_s = 0.0
        self._passed_over_s: float | None = None

    def is_worth_reading(self, frame: Frame, now_s: float, *, following: bool) -> bool:
        """Whether to read ``frame``. ``following``: a plate is in sight."""
        if not self._live:
            return True
        if now_s < self._rest_until_s:
            self._rested += 1
            return False
        if not self._gate.is_worth_reading(frame, following=following):
            self._idle += 1
            self._passed_over_s = now_s
            return False
        return True

    def note_read(self, done_s: float, read_s: float) -> None:
        """A frame was read, which took ``read_s``."""
        self._read += 1
        self._rest_until_s = done_s + self._load.rest_s(read_s)

    def look(self, camera: CameraStatus, now_s: float) -> None:
        """Look at the machine's load if it is time."""
        if self._live:
            self._load.look(camera, now_s)

    def work(self, now_s: float) -> ReadingStatus:
        """What was done so far, and how the reader stands."""
        is_idle = self._passed_over_s is not None and now_s - self._passed_over_s < IDLE_FOR_S
        state = "idle" if is_idle and self._load.state == "normal" else self._load.state
        return ReadingStatus(state, self._read, self._idle, self._rested)
