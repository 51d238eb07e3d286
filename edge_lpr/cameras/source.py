"""Runs a camera in a thread of its own: the newest frame of a live one, every frame of a recording.

A live camera that fails is closed and opened again for as long as it takes; a recording that fails is over. Whatever
the camera does, ``next_frame`` and ``stop`` keep to their time.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

from edge_lpr.cameras.base import Camera
from edge_lpr.cameras.picture_health import REMEDIES, PictureFault, PictureHealthMonitor
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame

_log = logging.getLogger(__name__)

CameraState = Literal["starting", "running", "failed", "ended"]
CameraFault = Literal["hangs", "silent"] | PictureFault


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """How the camera is doing, for health and logs.

    ``starting``: no frame yet. ``running``: frames come. ``failed``: it gave an error or hangs; a live camera is being
    opened again. ``ended``: a recording is over. ``last_error`` stays after a recovery. ``frames_captured`` counts all
    frames that came, ``frames_dropped`` those that nobody took before a newer one came, ``reopened`` how often frames
    came back after a failure. ``last_frame_age_s`` is None before the first frame. ``hangs``: a call to the camera has
    not returned for so long that only a new process may help. ``fault`` is what is wrong now, in one word: ``hangs``,
    ``silent`` (it failed), or what is wrong with the pictures while they come. ``size`` is the last frame's width and
    height in pixels.
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
        """Whether nothing can be read for a fault of the camera. Black does not count: it may be the night."""
        return self.state == "failed" or self.fault in ("frozen", "noise")


class FrameSource:
    """A camera that runs. Use it as a context manager, or ``start`` and ``stop`` it once.

    A call to the camera that takes longer than ``stall_after_s`` counts as hanging: the state becomes ``failed``. No
    thread can break off such a call; when it never returns, only a new process helps, which is the watchdog's work.
    ``stop`` waits ``stop_timeout_s`` for it, then leaves its thread behind and says so in ``has_stuck_thread``.

    A live camera whose pictures are black, frozen, noise or more than ``late_after_s`` apart for ``fault_after_s`` is
    opened again, in ever longer intervals while that does not help; its pictures are handed over all the same.
    """

    def __init__(
        self,
        camera: Camera,
        *,
        reopen_min_s: float = 1.0,
        reopen_max_s: float = 30.0,
        stall_after_s: float = 15.0,
        stop_timeout_s: float = 3.0,
        fault_after_s: float = 20.0,
        late_after_s: float = 1.0,
    ) -> None:
        self._camera = camera
        self._backoff = _Backoff(reopen_min_s, reopen_max_s)
        self._stall_after_s = stall_after_s
        self._stop_timeout_s = stop_timeout_s
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._stop = threading.Event()
        self._health = PictureHealthMonitor(fault_after_s, late_after_s)
        self._sizes: set[tuple[int, int]] = set()
        # Guards all that follows.
        self._changed = threading.Condition()
        self._slot: Frame | None = None
        self._state: CameraState = "starting"
        self._over = False
        self._last_error: str | None = None
        self._captured = 0
        self._dropped = 0
        self._reopened = 0
        self._last_frame_s: float | None = None
        self._call: tuple[str, float] | None = None
        self._picture_fault: PictureFault | None = None
        self._size: tuple[int, int] | None = None

    def start(self) -> None:
        """Begin to open the camera; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the camera. Frames not yet taken are lost."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.ident is None:
            return
        self._thread.join(self._stop_timeout_s)
        if self._thread.is_alive():
            _log.warning("%s hangs in a call; its thread is left behind", self._camera.name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def next_frame(self, timeout_s: float) -> Frame | None:
        """The next frame, waited for at most ``timeout_s`` seconds; None when none came or the recording is over.

        Raises CameraError when a recording failed, after its last good frame was taken.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._slot is not None or self._over, timeout_s)
            frame, self._slot = self._slot, None
            self._changed.notify_all()
            if frame is None and self._over and self._state == "failed":
                raise CameraError(self._last_error or f"{self._camera.name} failed")
            return frame

    @property
    def has_stuck_thread(self) -> bool:
        """True when ``stop`` had to leave the camera's thread in a call that hangs.

        Native code still runs then, and the interpreter's ordinary end may abort in it: when everything is flushed,
        leave with ``os._exit``.
        """
        return self._stop.is_set() and self._thread.is_alive()

    @property
    def ended(self) -> bool:
        """True when a recording is over and its last frame was taken."""
        with self._changed:
            return self._state == "ended" and self._slot is None

    @property
    def status(self) -> CameraStatus:
        """A snapshot."""
        now = time.monotonic()
        with self._changed:
            state, last_error = self._state, self._last_error
            hangs = self._call is not None and now - self._call[1] > self._stall_after_s
            if self._call is not None and hangs:
                what, since = self._call
                state, last_error = "failed", f"{self._camera.name} hangs in {what} for {now - since:.0f} s"
            fault: CameraFault | None = "hangs" if hangs else "silent" if state == "failed" else self._picture_fault
            return CameraStatus(
                name=self._camera.name,
                state=state,
                last_error=last_error,
                frames_captured=self._captured,
                frames_dropped=self._dropped,
                reopened=self._reopened,
                last_frame_age_s=None if self._last_frame_s is None else max(0.0, now - self._last_frame_s),
                hangs=hangs,
                fault=fault,
                size=self._size,
            )

    def _run(self) -> None:
        orderly = False
        try:
            while not self._stop.is_set():
                started_s, captured_before = time.monotonic(), self._captured
                try:
                    if not self._play():
                        break
                except CameraError as error:
                    self._record_failure(error)
                finally:
                    self._close()
                if not self._camera.live:
                    break
                # A try that gave no frame ran for no time, however long its time-outs took.
                ran_s = time.monotonic() - started_s if self._captured > captured_before else 0.0
                self._stop.wait(self._backoff.next_delay_s(ran_s))
            orderly = True
        finally:
            # Whatever ended this thread, a bug included, nobody waits for a frame that cannot come.
            with self._changed:
                if not orderly:
                    self._state, self._last_error = "failed", f"{self._camera.name}: its thread died, see the log"
                self._over = True
                self._changed.notify_all()

    def _play(self) -> bool:
        """Open the camera and hand over its frames until it is over, ``stop`` is called (False), or its pictures are
        such that it should be opened again (True). Raises CameraError."""
        with self._calling("open"):
            self._camera.open()
        self._health.record_opening()
        while not self._stop.is_set():
            with self._calling("read"):
                frame = self._camera.read()
            if frame is None:
                with self._changed:
                    self._state = "ended"
                return False
            if self._camera.live:
                self._check(frame)
            self._hand_over(frame)
            if self._camera.live and self._health.reopening_is_due(time.monotonic()):
                return True
        return False

    def _check(self, frame: Frame) -> None:
        """Watch over the pictures, and say once when a fault comes and when it goes."""
        self._health.add_picture(frame.image, time.monotonic())
        before, fault = self._picture_fault, self._health.fault
        if fault == before:
            return
        name = self._camera.name
        with self._changed:
            self._picture_fault = fault
            if fault is not None:
                self._last_error = f"{name} {REMEDIES[fault]}"
        if fault is None:
            _log.info("%s gives good pictures again", name)
        else:
            _log.warning("%s %s", name, REMEDIES[fault])

    def _record_size(self, frame: Frame) -> None:
        size = (frame.width, frame.height)
        if self._camera.live and self._size not in (None, size) and size not in self._sizes:
            # Each size is told once: a camera that goes to and fro would fill the log.
            _log.warning("%s now gives pictures of %d x %d pixels", self._camera.name, *size)
        self._size = size
        self._sizes.add(size)

    def _hand_over(self, frame: Frame) -> None:
        with self._changed:
            self._record_size(frame)
            self._captured += 1
            self._last_frame_s = time.monotonic()
            if self._state == "failed":
                self._reopened += 1
                _log.info("%s gives frames again", self._camera.name)
            self._state = "running"
            if not self._camera.live:
                self._changed.wait_for(lambda: self._slot is None or self._stop.is_set())
            elif self._slot is not None:
                self._dropped += 1
            self._slot = frame
            self._changed.notify_all()

    def _record_failure(self, error: CameraError) -> None:
        message = str(error)
        with self._changed:
            repeated = self._state == "failed" and self._last_error == message
            self._state, self._last_error = "failed", message
        # Said once, then for those who look closer: a camera that is away for a night would fill the log.
        _log.log(logging.DEBUG if repeated else logging.WARNING, "%s", message)

    def _close(self) -> None:
        try:
            with self._calling("close"):
                self._camera.close()
        except CameraError as error:
            _log.warning("%s", error)

    @contextmanager
    def _calling(self, what: str) -> Iterator[None]:
        """Mark how long the camera has been in one call, so that ``status`` can tell that it hangs."""
        with self._changed:
            self._call = (what, time.monotonic())
        try:
            yield
        finally:
            with self._changed:
                self._call = None


class _Backoff:
    """Waits that double from ``min_s`` to ``max_s``, each up to a quarter longer by chance; never above ``max_s``."""

    def __init__(self, min_s: float, max_s: float) -> None:
        self._min_s = min_s
        self._max_s = max_s
        self._delay_s = min_s

    def next_delay_s(self, ran_s: float) -> float:
        """The wait before the next try, after one that lasted ``ran_s`` seconds; a long one starts from the bottom."""
        if ran_s > self._delay_s:
            self._delay_s = self._min_s
        delay_s = min(self._delay_s * random.uniform(1.0, 1.25), self._max_s)
        self._delay_s = min(self._delay_s * 2, self._max_s)
        return delay_s
