"""FrameSource with scripted cameras: it keeps its guarantees, whatever the camera does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from edge_lpr.cameras import FrameSource
from edge_lpr.cameras.base import live_frame, recorded_frame
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame

WAIT_S = 20.0
"""Seconds. Long enough on any machine; a test that passes does not wait for it."""


class ScriptedCamera:
    """A camera that follows a script: each ``open`` starts the next iterator, each ``read`` takes its next item."""

    def __init__(self, *scripts: Iterator[Frame | CameraError], live: bool = True) -> None:
        self.name = "scripted camera"
        self.live = live
        self.opened = 0
        self.closed = 0
        self._scripts = iter(scripts)
        self._script: Iterator[Frame | CameraError] = iter(())

    def open(self) -> None:
        self.opened += 1
        self._script = next(self._scripts, iter([CameraError("no more scripts")]))

    def read(self) -> Frame | None:
        step = next(self._script, None)
        if isinstance(step, CameraError):
            raise step
        return step

    def close(self) -> None:
        self.closed += 1


def picture() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((12, 16, 3), np.uint8)


def live(number: int) -> Frame:
    return live_frame(picture(), number, "test", age_s=0.0)


def recorded(number: int) -> Frame:
    return recorded_frame(picture(), number, 25.0, "test")


def hang(release: threading.Event, reached: threading.Event | None = None) -> Iterator[Frame | CameraError]:
    """Yields from a call that does not return before ``release``."""
    if reached is not None:
        reached.set()
    assert release.wait(WAIT_S)
    yield CameraError("released")


def eventually(condition: Callable[[], bool]) -> None:
    """Waits for a condition that another thread fulfils."""
    pause, tries = threading.Event(), int(WAIT_S / 0.01)
    for _ in range(tries):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("the condition was not fulfilled")


def test_live_camera_gives_the_newest_frame_and_counts_the_dropped() -> None:
    release, reached = threading.Event(), threading.Event()

    def script() -> Iterator[Frame | CameraError]:
        yield from map(live, range(5))
        yield from hang(release, reached)

    with FrameSource(ScriptedCamera(script())) as source:
        assert reached.wait(WAIT_S)
        frame = source.next_frame(WAIT_S)
        assert frame is not None and frame.number == 4
        assert source.next_frame(0.01) is None
        status = source.status
        assert (status.frames_captured, status.frames_dropped, status.state) == (5, 4, "running")
        assert status.last_frame_age_s is not None
        release.set()


def test_recording_gives_every_frame_in_order_then_ends() -> None:
    camera = ScriptedCamera(map(recorded, range(50)), live=False)
    with FrameSource(camera) as source:
        numbers = []
        while not source.ended:
            frame = source.next_frame(WAIT_S)
            if frame is not None:
                numbers.append(frame.number)
        assert numbers == list(range(50))
        assert source.next_frame(WAIT_S) is None
        status = source.status
    assert (status.state, status.frames_captured, status.frames_dropped) == ("ended", 50, 0)
    assert (camera.opened, camera.closed) == (1, 1)


def test_recording_has_not_ended_before_its_last_frame_is_taken() -> None:
    with FrameSource(ScriptedCamera(iter([recorded(0)]), live=False)) as source:
        eventually(lambda: source.status.state == "ended")
        assert not source.ended
        assert source.next_frame(WAIT_S) is not None
        assert source.ended


def test_failing_recording_gives_its_good_frames_then_raises() -> None:
    camera = ScriptedCamera(iter([recorded(0), CameraError("clip: damaged")]), live=False)
    with FrameSource(camera) as source:
        frame = source.next_frame(WAIT_S)
        assert frame is not None and frame.number == 0
        with pytest.raises(CameraError, match="clip: damaged"):
            source.next_frame(WAIT_S)
        assert source.status.state == "failed"
        assert not source.ended
    assert (camera.opened, camera.closed) == (1, 1)


def test_live_camera_is_reopened_and_each_fault_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "edge_lpr")
    release = threading.Event()

    def recovered() -> Iterator[Frame | CameraError]:
        yield live(1)
        yield from hang(release)

    camera = ScriptedCamera(
        iter([live(0), CameraError("cable pulled")]),
        iter([CameraError("nothing there")]),
        iter([CameraError("nothing there")]),
        recovered(),
    )
    with FrameSource(camera, reopen_min_s=0.01, reopen_max_s=0.02) as source:
        eventually(lambda: source.status.reopened == 1)
        status = source.status
        assert (status.state, status.last_error) == ("running", "nothing there")
        assert (camera.opened, camera.closed) == (4, 3)
        release.set()
    messages = [record.getMessage() for record in caplog.records]
    assert messages[:3] == ["cable pulled", "nothing there", "scripted camera gives frames again"]


def test_live_camera_that_cannot_be_opened_leaves_the_caller_running() -> None:
    with FrameSource(ScriptedCamera(), reopen_min_s=60.0, reopen_max_s=60.0) as source:
        eventually(lambda: source.status.state == "failed")
        assert source.next_frame(0.01) is None
        assert source.status.last_error == "no more scripts"
        assert not source.ended
    # The block ended, so ``stop`` interrupted the wait of one minute.


@pytest.mark.parametrize("live_camera", [True, False])
def test_hanging_call_is_reported_and_does_not_delay_stop(live_camera: bool, caplog: pytest.LogCaptureFixture) -> None:
    release, reached = threading.Event(), threading.Event()
    camera = ScriptedCamera(hang(release, reached), live=live_camera)
    source = FrameSource(camera, stall_after_s=0.02, stop_timeout_s=0.02)
    with source:
        assert reached.wait(WAIT_S)
        assert source.next_frame(0.01) is None
        eventually(lambda: source.status.state == "failed")
        assert "hangs in read" in str(source.status.last_error)
    assert "its thread cannot be stopped" in caplog.text
    assert source.has_stuck_thread
    release.set()
    eventually(lambda: not source.has_stuck_thread)
    assert camera.closed == 1


def test_stop_ends_a_recording_that_waits_for_its_reader() -> None:
    camera = ScriptedCamera(map(recorded, range(1000)), live=False)
    with FrameSource(camera) as source:
        assert source.next_frame(WAIT_S) is not None
    assert camera.closed == 1
    assert source.status.frames_captured < 1000


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_in_a_camera_ends_the_wait_for_frames() -> None:
    def script() -> Iterator[Frame | CameraError]:
        raise ZeroDivisionError("a bug")
        yield live(0)

    with FrameSource(ScriptedCamera(script())) as source, pytest.raises(CameraError, match="its thread failed"):
        source.next_frame(WAIT_S)


def test_stop_before_start_does_nothing() -> None:
    FrameSource(ScriptedCamera()).stop()
