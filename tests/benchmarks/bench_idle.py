"""The share of one processor core that the whole service uses at an idle gate and at a busy gate.

    python -m tests.benchmarks.bench_idle [--seconds 30]

The camera is a network camera on this machine (``tests/faults/scripted_camera.py``: MJPEG, 960 x 540, 12 frames a
second, with sensor noise). Its processor time is not counted; the decoding of its pictures is.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
from rich.console import Console
from rich.table import Table

from tests.faults.scripted_camera import FPS, NUMBERS, ScriptedCamera
from tests.support.demo_gate import running_gate
from tests.support.mqtt import free_port

VEHICLE_S = 4.0


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    name: str
    idle_look_s: float
    busy: bool


CASES = (
    Case("idle, default settings", 1.0, False),
    Case("idle, every frame read", 0.0, False),
    Case("busy, one vehicle after the other", 1.0, True),
)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="The processor's share of an idle and of a busy gate.")
    parser.add_argument("--seconds", type=float, default=30.0, help="of each measurement (default: 30)")
    options = parser.parse_args()
    table = Table(title=f"one camera, {FPS:g} frames a second; {psutil.cpu_count()} cores")
    for heading in ("gate", "share of one core", "frames skipped per second"):
        table.add_column(heading, justify="left" if heading == "gate" else "right")
    for case in CASES:
        share, skipped = measure(case, options.seconds)
        table.add_row(case.name, f"{share:.1%}", f"{skipped:.1f}")
    Console(width=100).print(table)


def measure(case: Case, seconds: float) -> tuple[float, float]:
    """Returns processor seconds of the service per second, and skipped frames per second."""
    with ScriptedCamera(free_port()) as camera:
        # These variables override the settings of the benchmark gate.
        os.environ["EDGE_LPR__CAMERA__TYPE"] = "stream"
        os.environ["EDGE_LPR__CAMERA__SOURCE"] = camera.url
        os.environ["EDGE_LPR__READER__IDLE_LOOK_S"] = str(case.idle_look_s)
        with running_gate() as gate, traffic(camera, case.busy):
            process = psutil.Process(gate.process.pid)
            before, passed, began_s = process.cpu_times(), gate.metric("edge_lpr_frames_idle_total"), time.monotonic()
            threading.Event().wait(seconds)
            after, lasted_s = process.cpu_times(), time.monotonic() - began_s
            skipped = gate.metric("edge_lpr_frames_idle_total") - passed
    used_s = after.user + after.system - before.user - before.system
    return used_s / lasted_s, skipped / lasted_s


@contextmanager
def traffic(camera: ScriptedCamera, busy: bool) -> Iterator[None]:
    """Shows an empty lane, or endless vehicles, inside the ``with`` block."""
    ended = threading.Event()

    def drive() -> None:
        number = 0
        while not ended.is_set():
            camera.play("vehicle" if busy else "empty", number % len(NUMBERS))
            number += 1
            ended.wait(VEHICLE_S)

    driver = threading.Thread(target=drive, daemon=True)
    driver.start()
    try:
        yield
    finally:
        ended.set()
        driver.join()


if __name__ == "__main__":
    main()
