"""``edge-lpr run`` as a process that the fault tests start, kill and inspect; its default camera plays photos."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import yaml

from edge_lpr.config import DeviceSettings, MqttSettings, OutboxSettings
from edge_lpr.mqtt.outbox import Outbox
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.resources import demo_clip
from tests.support.unit_environment import unit_environment

ROOT = Path(__file__).resolve().parents[2]
BASE = "edge-lpr/gate-1"
PLATE, HEALTH, AVAILABILITY = f"{BASE}/plate", f"{BASE}/health", f"{BASE}/availability"
DEADLINE_S = 120.0
PHOTOS = (60, 120, 180, 246)
"""Frames of the demo clip, each with another plate that is easy to read."""
PASSAGE = re.compile(r"INFO passage (\d+): ")


class Gate:
    """One gate with one state folder, which can be started and killed repeatedly. Its log is in ``folder`` too.

    ``sections`` replace the default sections of the settings.
    """

    def __init__(self, folder: Path, port: int, sections: Mapping[str, Any] | None = None, **mqtt: Any) -> None:
        self.state = folder / "state"
        self._config = folder / "config.yaml"
        self._log = folder / "gate.log"
        self.no_dns = folder / "no-dns"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "photos").mkdir(parents=True, exist_ok=True)
        for name, content in photos().items():
            (folder / "photos" / name).write_bytes(content)
        self._settings = {
            "device": {"state_dir": "state"},
            "camera": {"type": "photos", "source": "photos", "loop": True, "hold": 2},
            "reader": {"threads": 1},
            "passage": {"repeat_after_s": 0, "sure_frames": 1, "min_frames": 1},
            "mqtt": {"host": "localhost", "port": port, "keepalive_s": 5, "health_every_s": 1, **mqtt},
            **(sections or {}),
        }
        self.configure()

    def __enter__(self) -> Gate:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()

    def configure(self, **sections: Any) -> None:
        """Writes the settings file with the initial settings, except for ``sections``."""
        self._config.write_text(yaml.safe_dump({**self._settings, **sections}), encoding="utf-8")

    def start(self) -> Gate:
        """Starts the process; its log is appended."""
        paths = os.pathsep.join((str(ROOT / "tests" / "faults" / "resolver"), str(ROOT)))
        added = {"PYTHONPATH": paths, "EDGE_TEST_NO_DNS": str(self.no_dns)}
        environment = {**os.environ, **unit_environment(), **added}
        command = [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(self._config)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        return self

    def kill(self) -> None:
        """Kills the process, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """Stops the process with SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(15)
        self._process = None
        return code

    def reload(self) -> None:
        """Makes it read its settings again, with SIGHUP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def pid(self) -> int:
        """The id of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """The log of all starts so far."""
        return self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""

    @property
    def last_passage(self) -> int:
        """The number of the newest passage in the log; it is on disk then."""
        numbers = PASSAGE.findall(self.log)
        return int(numbers[-1]) if numbers else 0

    def wait_for(self, met: Callable[[], bool], what: str, timeout_s: float = DEADLINE_S) -> None:
        """Waits until ``met`` is true. Fails if the gate ends or the time is over."""
        deadline_s = time.monotonic() + timeout_s
        while not met():
            assert self._process is None or self._process.poll() is None, f"the gate ended:\n{self.log[-2000:]}"
            assert time.monotonic() < deadline_s, f"did not happen in time: {what}\n{self.log[-2000:]}"
            threading.Event().wait(0.05)

    def wait_for_line(self, pattern: str, start: int = 0, timeout_s: float = DEADLINE_S) -> None:
        """Waits until the log has a matching line after position ``start``."""
        self.wait_for(lambda: re.search(pattern, self.log[start:]) is not None, pattern, timeout_s)

    def wait_for_passages(self, more: int, timeout_s: float = DEADLINE_S) -> int:
        """Waits until ``more`` more passages are on disk; returns the newest number."""
        wanted = self.last_passage + more
        self.wait_for(lambda: self.last_passage >= wanted, f"{more} more passages", timeout_s)
        return self.last_passage


def last_sequence(state: Path) -> int:
    """Returns the last sequence number in the outbox of a stopped gate."""
    outbox = Outbox(state, OutboxSettings())
    outbox.open()
    try:
        return outbox.status.last_sequence
    finally:
        outbox.close()


def deliver(state: Path, port: int, timeout_s: float = DEADLINE_S, **mqtt: Any) -> None:
    """Sends the passages that wait in the outbox of a stopped gate."""
    device = DeviceSettings(id="gate-1", state_dir=state)
    with PassagePublisher(MqttSettings(port=port, **mqtt), device) as publisher:
        assert publisher.wait_until_empty(timeout_s), publisher.status


@cache
def photos() -> dict[str, bytes]:
    """Returns the frames of the demo clip at half size, as JPEG files by name."""
    made: dict[str, bytes] = {}
    clip = cv2.VideoCapture(str(demo_clip()))
    for number in range(max(PHOTOS) + 1):
        assert clip.grab(), "the demo clip is too short"
        if number in PHOTOS:
            half = cv2.resize(clip.retrieve()[1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
            made[f"{number:03}.jpg"] = bytes(cv2.imencode(".jpg", half)[1])
    return made
