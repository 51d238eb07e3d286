"""The camera waits for at most one inference of a background request, and requests proceed while it never pauses."""

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


def test_a_request_yields_to_the_camera_after_one_inference() -> None:
    priority = ReaderPriority()
    done: list[str] = []
    has_lock, proceed = threading.Event(), threading.Event()

    def request() -> None:
        with priority.background():
            has_lock.set()
            assert proceed.wait(DEADLINE_S)
            done.append("request's first")
            priority.yield_to_camera()
            done.append("request's second")

    def camera() -> None:
        with priority.camera():
            done.append("camera")

    request_thread = started(request)
    assert has_lock.wait(DEADLINE_S)
    camera_thread = started(camera)
    while not priority._cameras_waiting:
        threading.Event().wait(0.001)
    proceed.set()
    for thread in (request_thread, camera_thread):
        thread.join(DEADLINE_S)
    assert done == ["request's first", "camera", "request's second"]


def test_a_camera_that_never_pauses_waits_for_one_inference_and_leaves_time_for_one() -> None:
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
                threading.Event().wait(0.001)  # the camera starts to wait meanwhile
                priority.yield_to_camera()
    stop.set()
    camera_thread.join(DEADLINE_S)
    assert not camera_thread.is_alive()
    waited = [entry == "inference while the camera waits" for entry in log]
    assert "frame" in log
    assert not any(first and second for first, second in itertools.pairwise(waited))


def test_the_lock_is_released_after_an_exception() -> None:
    priority = ReaderPriority()
    for take in (priority.camera, priority.background):
        with pytest.raises(ValueError, match="failed"), take():
            raise ValueError("failed")
    with priority.camera():
        pass
    with priority.background():
        priority.yield_to_camera()


def test_camera_and_request_get_the_same_readings(models_dir: object) -> None:
    reader = PlateReader.open(ReaderSettings())
    shared = SharedReader(reader)
    image = np.full((90, 160, 3), 90, np.uint8)
    assert shared.read_for_camera(image) == shared.read_for_request(image) == reader.read(image)
