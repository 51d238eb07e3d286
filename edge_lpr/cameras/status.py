"""State of a camera, for the health message and the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge_lpr.cameras.picture_health import PictureFault

CameraState = Literal["starting", "running", "failed", "ended"]
"""State of a camera.

``starting``: no frame yet. ``running``: frames arrive. ``failed``: it gave an error or hangs; a live camera is being
reopened. ``ended``: a recording is over.
"""

CameraFault = Literal["hangs", "silent"] | PictureFault
"""``hangs``: a call does not return. ``silent``: the camera gives no pictures. Otherwise the pictures are bad."""


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """Snapshot of a camera's state.

    Attributes:
        name: Name of the camera, without a password.
        state: State of the camera.
        last_error: The last error message. It is kept after a recovery.
        frames_captured: All frames that the camera has given.
        frames_dropped: Frames that were replaced by a newer one before they were taken.
        reopened: How often frames came back after a failure.
        last_frame_age_s: Seconds since the last frame; None before the first frame.
        hangs: Whether a call to the camera has not returned for so long that only a new process may help.
        fault: The present fault; None without one.
        size: Width and height of the last frame, in pixels; None before the first frame.
    """

    name: str
    state: CameraState
    last_error: str | None
    frames_captured: int
    frames_dropped: int
    reopened: int
    last_frame_age_s: float | None
    hangs: bool = False
    fault: CameraFault | None = None
    size: tuple[int, int] | None = None

    @property
    def is_blind(self) -> bool:
        """Whether a fault makes reading impossible. Black pictures do not count, because it may be night."""
        return self.state == "failed" or self.fault in ("frozen", "noise")
