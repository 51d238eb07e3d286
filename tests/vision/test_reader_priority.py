"""The camera's frame waits for one inference of a guest at most, and a guest gets on behind a camera without pauses."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable

import numpy as np
import pytest

from edge_lpr.config import ReaderSettings
from edge_lpr.vision.reader import PlateReader
from edge_lpr.vision.reader_priority import ReaderPriority, SharedReader

DEADLINE_S = 10.0


def started(target: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def test_a_guest_steps_aside_for_the_camera_after_one_inference() -> None:
    priority = ReaderPriority()
    done: list[str] = []
    at_work, go_on = threading.Event(), threading.Event()

    def request() -> None:
        with priority.background():
            at_work.set()
            assert go_on.wait(DEADLINE_S)
            done.append("guest's first")
            priority.yield_to_camera()
            done.append("guest's second")

    def camera() -> None:
        with priority.camera():
            done.append("camera")

    request_thread = started(request)
    assert at_work.wait(DEADLINE_S)
    camera_thread = started(camera)
    while not priority._cameras_waiting:
        threading.Event().wait(0.001)
    go_on.set()
    for thread in (request_thread, camera_thread):
        thread.join(DEADLINE_S)
    assert done == ["guest's first", "camera", "guest's second"]


def test_a_camera_without_pauses_waits_for_one_inference_and_leaves_one() -> None:
    priority = ReaderPriority()
    stop = threading.Event()
    log: list[str] = []

    def camera() -> None:
        while not stop.is_set():
            with priority.camera():
                log.append("frame")

    camera_thread = started(camera)
    for _ in range(20):
        with priority.background():
            for _ in range(5):
                log.append("inference while the camera waits" if priority._cameras_waiting else "inference")
                threading.Event().wait(0.001)  # the camera comes to wait meanwhile
                priority.yield_to_camera()
    stop.set()
    camera_thread.join(DEADLINE_S)
    assert not camera_thread.is_alive()
    kept_waiting = [entry == "inference while the camera waits" for entry in log]
    assert "frame" in log
    assert not any(first and second for first, second in itertools.pairwise(kept_waiting))


def test_a_turn_is_given_back_after_a_fault() -> None:
    priority = ReaderPriority()
    for take in (priority.camera, priority.background):
        with pytest.raises(ValueError, match="fault"), take():
            raise ValueError("fault")
    with priority.camera():
        pass
    with priority.background():
        priority.yield_to_camera()


def test_both_ways_read_the_same(models_dir: object) -> None:
    reader = PlateReader.open(ReaderSettings())
    shared = SharedReader(reader)
    image = np.full((90, 160, 3), 90, np.uint8)
    assert shared.read_for_camera(image) == shared.read_for_request(image) == reader.read(image)
