"""Every fault of a camera, one after the other, on one running service: seen in health, healed, and nothing lost.

The service is the real program against a real broker; the camera misbehaves by script (``scripted_camera.py``).
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
"""Long enough on any machine; a test that passes never waits for it."""

FAULTS: tuple[tuple[Show, str | None], ...] = (
    ("freeze", "frozen"),
    ("black", "black"),
    ("noise", "noise"),
    ("late", "late"),
    ("stop", "silent"),
    ("vanish", "silent"),
    ("resize", None),
)
"""What the camera does, and what health calls it; another size of pictures is no fault, and is followed."""

StartGate = Callable[..., subprocess.Popen[str]]
Subscribe = Callable[..., Subscriber]


@pytest.fixture
def start_gate(tmp_path: Path, models_dir: Path) -> Iterator[StartGate]:
    """Start ``edge-lpr run``; what it logs goes to the file ``log``; it is killed after the test if it still runs."""
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
    """One fault: what health said, and the seconds until then, until it was healed, and until the next passage."""

    fault: str
    said: str | None
    seen_s: float
    healed_s: float
    passage_s: float


class Watcher:
    """What the parking system sees of one gate."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.passages = 0

    def camera(self, wanted: Callable[[dict[str, Any]], bool]) -> float:
        """Wait for a health message, from now on, whose camera is as ``wanted``; the seconds that took."""
        began_s, seen = time.monotonic(), len(self._subscriber.messages)

        def came(messages: list[Received]) -> bool:
            return any(m.topic == HEALTH and wanted(m.json["Camera"]) for m in messages[seen:])

        self._subscriber.wait(came, WAIT_S)
        return time.monotonic() - began_s

    def passage(self, number: str) -> float:
        """Wait for one passage more, which must be of ``number``; the seconds that took."""
        began_s = time.monotonic()
        self.passages += 1
        self._subscriber.wait(lambda all_: sum(m.topic == PLATE for m in all_) >= self.passages, WAIT_S)
        assert self._subscriber.on(PLATE)[-1].json["Response"]["Number"] == number
        return time.monotonic() - began_s


def test_each_fault_is_seen_and_healed_and_no_passage_is_lost(
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
                seen_s = watcher.camera(lambda camera: camera["Width"] not in (None, width))
            else:
                seen_s = watcher.camera(partial(_tells, said))
            camera.play("empty")
            healed_s = watcher.camera(
                lambda said: said["State"] == "running" and said["Fault"] is None and said["Width"] == width
            )
            camera.play("vehicle", i)
            passage_s = watcher.passage(NUMBERS[i % len(NUMBERS)])
            rows.append(Row(show, said, seen_s, healed_s, passage_s))
        assert process.poll() is None, "one process lived through it all"
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    show_table(rows)
    subscriber.wait_payload(AVAILABILITY, b"offline")
    plates = [message.json for message in subscriber.on(PLATE)]
    assert [plate["Event"]["Sequence"] for plate in plates] == list(range(1, len(FAULTS) + 2))
    log = (tmp_path / "log").read_text()
    for text in ("the same picture again", "gives black pictures", "gives noise", "now gives pictures"):
        assert log.count(text) == 1, log


def test_a_driver_that_never_returns_ends_the_process_which_systemd_starts_anew(
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
    second = start_gate(mosquitto.port, pi, **environ)  # as systemd does
    watcher.passage(NUMBERS[0])
    second.send_signal(signal.SIGTERM)
    assert second.wait(WAIT_S) == 0
    assert [message.json["Event"]["Sequence"] for message in subscriber.on(PLATE)] == [1, 2]


def test_systemd_hears_of_the_first_frame_and_of_progress_only(
    start_gate: StartGate, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd, ScriptedCamera(free_port()) as camera:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WAIT_S)
        camera.play("stop")
        stream = {"type": "stream", "source": camera.url, "read_timeout_s": 0.5}
        process = start_gate(mosquitto.port, stream, NOTIFY_SOCKET=str(tmp_path / "notify"))
        told = hear(systemd, "EXTEND_TIMEOUT_USEC=60000000")
        told += hear(systemd, "EXTEND_TIMEOUT_USEC=60000000")
        assert "READY=1" not in told and "WATCHDOG=1" not in told
        camera.play("empty")
        told = hear(systemd, "READY=1")
        assert hear(systemd, "WATCHDOG=1") == ["WATCHDOG=1"]
        process.send_signal(signal.SIGTERM)
        assert "READY=1" not in hear(systemd, "STOPPING=1")
        assert process.wait(5) == 0


def _tells(fault: str, camera: dict[str, Any]) -> bool:
    return bool(camera["Fault"] == fault)


def hear(systemd: socket.socket, last: str) -> list[str]:
    """What systemd is told, up to ``last``."""
    told: list[str] = []
    while not told or told[-1] != last:
        told.append(systemd.recv(500).decode())
    return told


def show_table(rows: list[Row]) -> None:
    table = Table(title="camera faults")
    for heading in ("camera", "health says", "seen after s", "healed after s", "next passage after s"):
        table.add_column(heading, justify="left" if heading in ("camera", "health says") else "right")
    for row in rows:
        times = (f"{seconds:.1f}" for seconds in (row.seen_s, row.healed_s, row.passage_s))
        table.add_row(row.fault, row.said or "another size", *times)
    Console(width=100).print(table)
