"""Runs a camera in its own thread. A live camera gives its newest frame, a recording gives every frame.

A live camera that fails is closed and reopened without a limit. A recording that fails is over. ``next_frame`` and
``stop`` keep their time limits, whatever the camera does.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from edge_lpr.backoff import BackOff
from edge_lpr.cameras.base import Camera
from edge_lpr.cameras.picture_health import REMEDIES, PictureFault, PictureHealthMonitor
from edge_lpr.cameras.status import CameraFault, CameraState, CameraStatus
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame

_log = logging.getLogger(__name__)


class FrameSource:
    """A running camera. Use it as a context manager, or call ``start`` and ``stop`` once each.

    A call to the camera that takes longer than ``stall_after_s`` hangs, and the state becomes ``failed``. A thread
    cannot interrupt such a call: if it never returns, only a new process helps. ``stop`` waits ``stop_timeout_s`` for
    the call; after that the thread continues and ``has_stuck_thread`` is True.

    A live camera is also reopened if its pictures are black, frozen, noise or more than ``late_after_s`` apart for
    ``fault_after_s``. The interval grows while reopening does not help. The pictures are delivered meanwhile.
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
        self._backoff = BackOff(reopen_min_s, reopen_max_s, jitter=(1.0, 1.25))
        self._failures = 0
        self._stall_after_s = stall_after_s
        self._stop_timeout_s = stop_timeout_s
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._stop = threading.Event()
        self._health = PictureHealthMonitor(fault_after_s, late_after_s)
        self._sizes: set[tuple[int, int]] = set()
        # The condition protects all attributes below.
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
        """Starts the camera thread, which opens the camera. Returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and closes the camera. Frames that were not taken are lost."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.ident is None:
            return
        self._thread.join(self._stop_timeout_s)
        if self._thread.is_alive():
            _log.warning("%s hangs in a call; its thread cannot be stopped", self._camera.name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def next_frame(self, timeout_s: float) -> Frame | None:
        """Returns the next frame; None if none comes within ``timeout_s`` seconds or the recording is over.

        Raises CameraError for a recording that failed, after its last good frame was taken.
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
        """Whether the camera thread still hangs in a call after ``stop``.

        Native code is still running then, and the normal exit of the interpreter may abort in it. Write all data to
        disk, then exit with ``os._exit``.
        """
        return self._stop.is_set() and self._thread.is_alive()

    @property
    def ended(self) -> bool:
        """Whether a recording is over and its last frame was taken."""
        with self._changed:
            return self._state == "ended" and self._slot is None

    @property
    def status(self) -> CameraStatus:
        """A snapshot of the camera's state."""
        now = time.monotonic()
        with self._changed:
            state, last_error = self._state, self._last_error
            hangs = self._call is not None and now - self._call[1] > self._stall_after_s
            if self._call is not None and hangs:
                call, since = self._call
                state, last_error = "failed", f"{self._camera.name} hangs in {call} for {now - since:.0f} s"
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
        """The camera thread: plays the camera, and reopens a live one after each failure."""
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
                # An attempt without a frame counts as 0 s, however long its timeouts took.
                ran_s = time.monotonic() - started_s if self._captured > captured_before else 0.0
                self._stop.wait(self._reopen_delay_s(ran_s))
            orderly = True
        finally:
            # Whatever ended this thread, including a bug, no caller may wait for a frame that cannot come.
            with self._changed:
                if not orderly:
                    self._state, self._last_error = "failed", f"{self._camera.name}: its thread failed; see the log"
                self._over = True
                self._changed.notify_all()

    def _reopen_delay_s(self, ran_s: float) -> float:
        """Returns the wait before the next attempt, after one that ran for ``ran_s`` seconds.

        The waits double. They start again at the shortest if the camera ran longer than the next wait.
        """
        if ran_s > self._backoff.full_delay(self._failures + 1):
            self._failures = 0
        self._failures += 1
        return self._backoff.delay(self._failures)

    def _play(self) -> bool:
        """Opens the camera and delivers its frames.

        Returns False at the end of a recording or after ``stop``, and True if the camera should be reopened because of
        its pictures. Raises CameraError.
        """
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
                self._check_health(frame)
            self._deliver(frame)
            if self._camera.live and self._health.reopening_is_due(time.monotonic()):
                return True
        return False

    def _check_health(self, frame: Frame) -> None:
        """Checks the picture. The beginning and the end of a fault are logged once."""
        self._health.add_picture(frame.image, time.monotonic())
        previous, fault = self._picture_fault, self._health.fault
        if fault == previous:
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

    def _deliver(self, frame: Frame) -> None:
        """Puts the frame into the slot. A recording waits until the slot is free; a live camera replaces the frame."""
        with self._changed:
            self._update_size(frame)
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

    def _update_size(self, frame: Frame) -> None:
        size = (frame.width, frame.height)
        if self._camera.live and self._size not in (None, size) and size not in self._sizes:
            # Each size is logged once. A camera that changes back and forth would fill the log.
            _log.warning("%s now gives pictures of %d x %d pixels", self._camera.name, *size)
        self._size = size
        self._sizes.add(size)

    def _record_failure(self, error: CameraError) -> None:
        message = str(error)
        with self._changed:
            repeated = self._state == "failed" and self._last_error == message
            self._state, self._last_error = "failed", message
        # Repetitions are logged for debugging only. A camera that is off for a night would fill the log.
        _log.log(logging.DEBUG if repeated else logging.WARNING, "%s", message)

    def _close(self) -> None:
        try:
            with self._calling("close"):
                self._camera.close()
        except CameraError as error:
            _log.warning("%s", error)

    @contextmanager
    def _calling(self, call: str) -> Iterator[None]:
        """Records the call to the camera and when it began, so that ``status`` can detect a call that hangs."""
        with self._changed:
            self._call = (call, time.monotonic())
        try:
            yield
        finally:
            with self._changed:
                self._call = None
