"""A camera with scripted faults: the only simulated part of the fault tests.

It shows the vehicles of the demo clip, with sensor noise. It exists in two forms: a network camera with MJPEG over HTTP
(``ScriptedCamera``), and, for calls that never return, a replacement of picamera2 with the same interface
(``standin/picamera2.py``). The product needs no change for either.

A script is a YAML list of steps, each with a duration in seconds:

    - {show: vehicle, number: 2, for_s: 4}     # the third vehicle of the clip drives up once, then an empty lane
    - {show: freeze, for_s: 5}                 # empty freeze black noise stop late resize vanish hang

    python -m tests.faults.scripted_camera SCRIPT --port 8090     plays it; the source is http://127.0.0.1:8090/live
"""

from __future__ import annotations

import argparse
import itertools
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from edge_lpr.resources import demo_clip

Image = NDArray[np.uint8]
Show = Literal["vehicle", "empty", "freeze", "black", "noise", "stop", "late", "resize", "vanish", "hang"]

FPS = 12.0
"""Default number of pictures per second, and of clip frames per second."""
WIDTH, HEIGHT = 960, 540
LATE_S = 1.3
"""Seconds between two late pictures."""

NUMBERS = ("京N8F2K6", "粤BD30517", "冀B7H905", "苏A2963警")
_FRAMES = (range(20, 68), range(80, 128), range(142, 190), range(204, 250))
"""Frames of the demo clip in which its vehicles drive up."""

_EMPTY = 0


@dataclass(frozen=True)
class Step:
    """The scene, the vehicle, and the duration in seconds; None means until the next step."""

    show: Show
    number: int = 0
    for_s: float | None = None

    def __post_init__(self) -> None:
        if self.show not in get_args(Show):
            raise ValueError(f"a step shows one of {', '.join(get_args(Show))}, not {self.show}")


def load_script(path: Path) -> list[Step]:
    """Returns the steps of a script file."""
    return [Step(**step) for step in yaml.safe_load(path.read_text(encoding="utf-8"))]


class _Clip:
    """The demo clip, decoded only as far as needed, because the simulated camera must open at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._capture: cv2.VideoCapture | None = None
        self._frames: list[Image] = []

    def frame(self, index: int) -> Image:
        with self._lock:
            if self._capture is None:
                self._capture = cv2.VideoCapture(str(demo_clip()))
            while len(self._frames) <= index:
                more, image = self._capture.read()
                assert more, "the demo clip has become shorter"
                self._frames.append(_scaled(np.asarray(image, np.uint8), WIDTH, HEIGHT))
            return self._frames[index]


_clip = _Clip()


def _scaled(image: Image, width: int, height: int) -> Image:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


_seeds = itertools.count()
"""Seeds of the noise, another for each connection: no two pictures of a real sensor are equal."""


class Pictures:
    """Generates the pictures; a vehicle moves on by ``stride`` clip frames in each."""

    def __init__(self, brightness: float = 1.0, stride: float = 1.0) -> None:
        self._brightness = brightness
        self._stride = stride
        self._random = np.random.default_rng(next(_seeds))
        self._noise = self._random.integers(0, 9, (4, HEIGHT, WIDTH, 3), np.uint8)
        self._last = _clip.frame(_EMPTY)
        self._step: Step | None = None
        self._frames: Iterator[int] = iter(())

    def next(self, step: Step) -> Image:
        """Returns the next picture of ``step``. While the step is the same, the vehicle continues."""
        if step is not self._step:
            self._step = step
            drives = step.show in ("vehicle", "late", "resize")
            self._frames = self._drive(_FRAMES[step.number % len(_FRAMES)]) if drives else iter(())
        match step.show:
            case "freeze":
                return self._last
            case "black":
                return np.zeros_like(self._last)
            case "noise":
                return self._random.integers(0, 256, self._last.shape, np.uint8)
        image = self._with_noise(_clip.frame(next(self._frames, _EMPTY)))
        if step.show == "resize":
            image = _scaled(image, WIDTH * 3 // 4, HEIGHT * 3 // 4)
        self._last = image
        return image

    def _drive(self, frames: range) -> Iterator[int]:
        return (frames[int(at * self._stride)] for at in range(math.ceil(len(frames) / self._stride)))

    def _with_noise(self, image: Image) -> Image:
        noise = np.roll(self._noise[self._random.integers(4)], self._random.integers(WIDTH), axis=1)
        return np.asarray(cv2.addWeighted(image, self._brightness, noise, 1.0, 0.0), np.uint8)


class ScriptedCamera:
    """A network camera at ``port`` of the loopback interface that shows what ``play`` selects; a context manager.

    ``brightness`` below 1.0 simulates night. ``fps`` is in pictures per second. A vehicle drives by in ``vehicle_s``
    seconds; None is the speed of the clip.
    """

    def __init__(self, port: int, brightness: float = 1.0, fps: float = FPS, vehicle_s: float | None = None) -> None:
        self.port = port
        self.brightness = brightness
        self.fps = fps
        self.stride = FPS / fps if vehicle_s is None else len(_FRAMES[0]) / (fps * vehicle_s)
        self._changed = threading.Condition()
        self._step = Step("empty")
        self._ended = False
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        """The value for ``camera.source``."""
        return f"http://127.0.0.1:{self.port}/live"

    def play(self, show: Show, number: int = 0) -> None:
        """Shows a scene until the next call."""
        self._play(Step(show, number))

    def run(self, script: list[Step]) -> None:
        """Plays each step for its duration; returns at the end."""
        for step in script:
            self._play(step)
            with self._changed:
                self._changed.wait_for(lambda: self._ended, step.for_s)

    def step(self) -> Step | None:
        """Returns the present step; None when the camera is switched off."""
        with self._changed:
            return None if self._ended or self._step.show == "vanish" else self._step

    def wait_while(self, step: Step, timeout_s: float | None) -> None:
        """Waits until another step is played, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or self._step is not step, timeout_s)

    def _play(self, step: Step) -> None:
        with self._changed:
            self._step = step
            self._changed.notify_all()
        if step.show == "vanish":
            self._switch_off()
        elif self._server is None:
            self._server = _Server(self)

    def _switch_off(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> ScriptedCamera:
        _clip.frame(_FRAMES[-1][-1])  # decode now, not while a client waits
        self._server = _Server(self)
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._switch_off()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, camera: ScriptedCamera) -> None:
        super().__init__(("127.0.0.1", camera.port), _Handler)
        self.camera = camera
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        camera = self.server.camera
        pictures = Pictures(camera.brightness, camera.stride)
        first = camera.step()
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        due_s = time.monotonic()
        while (step := camera.step()) is not None:
            if step.show in ("stop", "hang"):
                camera.wait_while(step, None)
                continue
            if first is not None and (step.show == "resize") != (first.show == "resize"):
                return  # a camera ends the stream when its size is changed
            data = cv2.imencode(".jpg", pictures.next(step))[1].tobytes()
            head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return
            due_s = max(due_s + (LATE_S if step.show == "late" else 1 / camera.fps), time.monotonic())
            camera.wait_while(step, due_s - time.monotonic())

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing."""


def main() -> None:
    """Plays a script; with ``--loop`` repeatedly."""
    parser = argparse.ArgumentParser(description="A network camera with scripted faults.")
    parser.add_argument("script", type=Path)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--loop", action="store_true")
    options = parser.parse_args()
    script = load_script(options.script)
    with ScriptedCamera(options.port) as camera:
        for _ in itertools.count() if options.loop else range(1):
            camera.run(script)


if __name__ == "__main__":
    main()
