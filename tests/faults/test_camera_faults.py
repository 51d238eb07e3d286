"""All faults of a camera, one after the other, on one running service.

Each fault must appear in the health message and end, and no passage may be lost. The service is the real program with a
real broker; the camera follows a script (``scripted_camera.py``).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console
from rich.table import Table

from tests.faults.scripted_camera import NUMBERS, ScriptedCamera, Show
from tests.support.mqtt import Mosquitto, Received, Subscriber, free_port

ROOT = Path(__file__).resolve().parents[2]
BASE = "edge-lpr/gate-1"
PLATE, HEALTH, AVAILABILITY = f"{BASE}/plate", f"{BASE}/health", f"{BASE}/availability"
WAIT_S = 30.0
"""Seconds. Long enough on any machine; a test that passes does not wait for it."""

FAULTS: tuple[tuple[Show, str | None], ...] = (
    ("freeze", "frozen"),
    ("black", "black"),
    ("noise", "noise"),
    ("late", "late"),
    ("stop", "silent"),
    ("vanish", "silent"),
    ("resize", None),
)
"""What the camera does, and the fault in the health message. Another picture size is no fault."""

StartGate = Callable[..., subprocess.Popen[str]]
Subscribe = Callable[..., Subscriber]


@pytest.fixture
def start_gate(tmp_path: Path, models_dir: Path) -> Iterator[StartGate]:
    """Starts ``edge-lpr run`` with its output in the file ``log``. The test kills the process at its end."""
    with ExitStack() as cleanup:

        def start(port: int, camera: dict[str, Any], **environ: str) -> subprocess.Popen[str]:
            settings = {
                "device": {"state_dir": "state"},
                "camera": {"reopen_min_s": 0.1, "reopen_max_s": 0.2, "fault_after_s": 1.0, **camera},
                "passage": {"repeat_after_s": 2},
                "mqtt": {"port": port, "health_every_s": 1},
                "reader": {"models_dir": str(models_dir), "min_plate_width": 50},
            }
            config = tmp_path / "config.yaml"
            config.write_text(yaml.safe_dump(settings))
            log = cleanup.enter_context((tmp_path / "log").open("w"))
            process = subprocess.Popen(
                [sys.executable, "-m", "edge_lpr.cli", "run", "-c", str(config)],
                env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            cleanup.enter_context(process)
            cleanup.callback(process.kill)
            return process

        yield start


@dataclass(frozen=True)
class Row:
    """One fault: its name in health, and the seconds until health had it, to its end, and to the next passage."""

    fault: str
    reported: str | None
    reported_s: float
    recovered_s: float
    passage_s: float


class Watcher:
    """Waits for the messages of one gate, as the parking system receives them."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.passages = 0

    def camera(self, wanted: Callable[[dict[str, Any]], bool]) -> float:
        """Waits for a new health message whose camera fulfils ``wanted``. Returns the seconds until then."""
        began_s, seen = time.monotonic(), len(self._subscriber.messages)

        def came(messages: list[Received]) -> bool:
            return any(m.topic == HEALTH and wanted(m.json["Camera"]) for m in messages[seen:])

        self._subscriber.wait(came, WAIT_S)
        return time.monotonic() - began_s

    def passage(self, number: str) -> float:
        """Waits for one more passage, which must have ``number``. Returns the seconds until then."""
        began_s = time.monotonic()
        self.passages += 1
        self._subscriber.wait(lambda all_: sum(m.topic == PLATE for m in all_) >= self.passages, WAIT_S)
        assert self._subscriber.on(PLATE)[-1].json["Response"]["Number"] == number
        return time.monotonic() - began_s


def test_each_fault_is_reported_and_ends_and_no_passage_is_lost(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, tmp_path: Path
) -> None:
    subscriber = subscribe(mosquitto.port)
    watcher, rows = Watcher(subscriber), []
    with ScriptedCamera(free_port()) as camera:
        process = start_gate(mosquitto.port, {"type": "stream", "source": camera.url, "read_timeout_s": 2.0})
        watcher.camera(lambda said: said["State"] == "running")
        camera.play("vehicle", 0)
        watcher.passage(NUMBERS[0])
        width = subscriber.on(HEALTH)[-1].json["Camera"]["Width"]
        for i, (show, said) in enumerate(FAULTS, start=1):
            camera.play(show, i - 1)
            if said is None:
                reported_s = watcher.camera(lambda camera: camera["Width"] not in (None, width))
            else:
                reported_s = watcher.camera(partial(_has_fault, said))
            camera.play("empty")
            recovered_s = watcher.camera(
                lambda said: said["State"] == "running" and said["Fault"] is None and said["Width"] == width
            )
            camera.play("vehicle", i)
            passage_s = watcher.passage(NUMBERS[i % len(NUMBERS)])
            rows.append(Row(show, said, reported_s, recovered_s, passage_s))
        assert process.poll() is None, "the process must survive all faults"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    show_table(rows)
    subscriber.wait_payload(AVAILABILITY, b"offline")
    plates = [message.json for message in subscriber.on(PLATE)]
    assert [plate["Event"]["Sequence"] for plate in plates] == list(range(1, len(FAULTS) + 2))
    log = (tmp_path / "log").read_text()
    for text in ("the same picture again", "gives black pictures", "gives noise", "now gives pictures"):
        assert log.count(text) == 1, log


def test_a_driver_that_never_returns_ends_the_process_and_systemd_restarts_it(
    start_gate: StartGate, mosquitto: Mosquitto, subscribe: Subscribe, tmp_path: Path
) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(yaml.safe_dump([{"show": "vehicle", "for_s": 5}, {"show": "hang"}]))
    subscriber = subscribe(mosquitto.port)
    watcher = Watcher(subscriber)
    standin = f"{ROOT / 'tests/faults/standin'}{os.pathsep}{ROOT}"
    pi = {"type": "pi", "width": 960, "height": 540, "read_timeout_s": 1.5}
    environ = {"PYTHONPATH": standin, "SCRIPTED_CAMERA": str(script)}
    first = start_gate(mosquitto.port, pi, **environ)
    watcher.passage(NUMBERS[0])
    assert first.wait(WAIT_S) == 1
    log = (tmp_path / "log").read_text()
    assert "hangs in read" in log and "Traceback" not in log
    last_health = subscriber.on(HEALTH)[-1].json
    assert (last_health["Camera"]["State"], last_health["Camera"]["Fault"]) == ("failed", "hangs")
    second = start_gate(mosquitto.port, pi, **environ)  # As systemd does.
    watcher.passage(NUMBERS[0])
    second.send_signal(signal.SIGTERM)
    assert second.wait(WAIT_S) == 0
    assert [message.json["Event"]["Sequence"] for message in subscriber.on(PLATE)] == [1, 2]


def test_systemd_is_notified_of_the_first_frame_and_of_progress_only(
    start_gate: StartGate, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, ScriptedCamera(free_port()) as camera:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WAIT_S)
        camera.play("stop")
        stream = {"type": "stream", "source": camera.url, "read_timeout_s": 0.5}
        process = start_gate(mosquitto.port, stream, NOTIFY_SOCKET=str(tmp_path / "notify"))
        received = notifications(systemd, "EXTEND_TIMEOUT_USEC=60000000")
        received += notifications(systemd, "EXTEND_TIMEOUT_USEC=60000000")
        assert "READY=1" not in received and "WATCHDOG=1" not in received
        camera.play("empty")
        received = notifications(systemd, "READY=1")
        assert notifications(systemd, "WATCHDOG=1") == ["WATCHDOG=1"]
        process.send_signal(signal.SIGTERM)
        assert "READY=1" not in notifications(systemd, "STOPPING=1")
        assert process.wait(5) == 0


def _has_fault(fault: str, camera: dict[str, Any]) -> bool:
    return bool(camera["Fault"] == fault)


def notifications(systemd: socket.socket, last: str) -> list[str]:
    """Returns the notifications to systemd up to ``last``."""
    received: list[str] = []
    while not received or received[-1] != last:
        received.append(systemd.recv(500).decode())
    return received


def show_table(rows: list[Row]) -> None:
    table = Table(title="camera faults")
    for heading in ("camera", "health says", "reported after s", "ended after s", "next passage after s"):
        table.add_column(heading, justify="left" if heading in ("camera", "health says") else "right")
    for row in rows:
        times = (f"{seconds:.1f}" for seconds in (row.reported_s, row.recovered_s, row.passage_s))
        table.add_row(row.fault, row.reported or "another size", *times)
    Console(width=100).print(table)
