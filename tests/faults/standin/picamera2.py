"""Replaces picamera2 when this folder is on PYTHONPATH; plays the script in ``SCRIPTED_CAMERA``.

It has the methods that the product calls, with the arguments of the real class. The step ``hang`` is a fault of a
driver: a call that ignores its time-out and never returns.
"""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from tests.faults.scripted_camera import FPS, Image, Pictures, Step, load_script


class Request:
    """One completed request."""

    def __init__(self, image: Image) -> None:
        self._image = image

    def make_array(self, name: str) -> Image:
        assert name == "main"
        return self._image

    def get_metadata(self) -> dict[str, Any]:
        return {"SensorTimestamp": time.clock_gettime_ns(time.CLOCK_BOOTTIME)}

    def release(self) -> None:
        pass


class Picamera2:
    """The scripted camera, in the process of the product."""

    def __init__(self, camera_num: int = 0) -> None:
        self._script = load_script(Path(os.environ["SCRIPTED_CAMERA"]))
        self._pictures = Pictures()
        self._began_s = time.monotonic()
        self._configuration: Any = None
        self.camera_controls: dict[str, tuple[Any, Any, Any]] = {}

    def create_video_configuration(self, **configuration: Any) -> Any:
        return configuration

    def configure(self, camera_config: Any) -> None:
        self._configuration = camera_config

    def camera_configuration(self) -> Any:
        return self._configuration

    def start(self) -> None:
        self._began_s = time.monotonic()

    def capture_request(self, wait: bool) -> Future[Request]:
        assert not wait
        return Future()

    def wait(self, job: Future[Request], timeout: float | None = None) -> Request:
        step = self._step()
        if step.show == "hang":
            threading.Event().wait()
        if step.show == "stop":
            return job.result(timeout)
        threading.Event().wait(1 / FPS)
        return Request(self._pictures.next(step))

    def cancel_all_and_flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _step(self) -> Step:
        since_s = time.monotonic() - self._began_s
        for step in self._script:
            since_s -= step.for_s or float("inf")
            if since_s < 0:
                return step
        return self._script[-1]
