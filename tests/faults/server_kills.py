"""Kills the server's process with SIGKILL at random moments while vehicles drive by.

    python -m tests.faults.server_kills [--times 200]

No passage may be lost, or be later than without kills by more than half a second. Afterwards API and page must answer
again. A passage's delay is from the moment at which the camera begins to show its vehicle to its arrival.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.faults.gate_process import PLATE, Gate
from tests.faults.scripted_camera import NUMBERS, ScriptedCamera
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber, free_port

EVERY_S = 4.0
"""Seconds from one vehicle to the next; each is in sight for most of them."""

CONTROL = 6
"""Vehicles without kills, for comparison."""

TOLERANCE_S = 0.5
LONGEST_LIFE_S = 2.0


@dataclass(frozen=True)
class Result:
    """``latest_s`` and ``control_s`` are the longest delays with and without kills, in seconds.

    ``returned_s`` are the seconds until API and page answered after the last kill.
    """

    kills: int
    vehicles: int
    passages: int
    latest_s: float
    control_s: float
    returned_s: float

    @property
    def is_sound(self) -> bool:
        """Whether no passage was lost or late."""
        return self.passages == self.vehicles and self.latest_s <= self.control_s + TOLERANCE_S

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.vehicles} vehicles, {self.passages} passages, the latest after"
            f" {self.latest_s:.2f} s, without kills {self.control_s:.2f} s; API and page back after"
            f" {self.returned_s:.1f} s"
        )


class Street:
    """A gate with a scripted camera on a street, and a subscriber."""

    def __init__(self, stack: ExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self._broker = Mosquitto(folder).start()
        stack.callback(self._broker.stop)
        self._subscriber = Subscriber(self._broker.port, PLATE)
        stack.callback(self._subscriber.close)
        self._camera = stack.enter_context(ScriptedCamera(free_port()))
        self.port = free_port()
        sections = {
            "camera": {"type": "stream", "source": self._camera.url},
            "passage": {"repeat_after_s": 1},
            "api": {"enabled": True, "port": self.port},
            "page": {"enabled": True},
        }
        self.gate = stack.enter_context(Gate(folder, self._broker.port, sections))
        self._count = 0

    def drive(self, vehicles: int) -> list[float]:
        """Lets vehicles drive by; returns the delay of each one's passage in seconds. A lost one has none."""
        delays = []
        for _ in range(vehicles):
            before = len(self._subscriber.on(PLATE))
            began_s, number = time.monotonic(), NUMBERS[self._count % len(NUMBERS)]
            self._camera.play("vehicle", self._count % len(NUMBERS))
            self._count += 1
            with suppress(AssertionError):
                arrived = self._subscriber.wait_count(PLATE, before + 1)[-1]
                if arrived.json["Response"]["Number"] == number:
                    delays.append(time.monotonic() - began_s)
            threading.Event().wait(max(0.0, began_s + EVERY_S - time.monotonic()))
        return delays

    def server(self) -> psutil.Process | None:
        """Returns the server's process; None while there is none."""
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(self.gate.pid).children():
                if "edge_lpr.server" in child.cmdline():
                    return child
        return None

    def wait_for_server(self) -> float:
        """Waits until API and page answer; returns the seconds that it took."""
        began_s = time.monotonic()
        while time.monotonic() < began_s + DEADLINE_S * 4:
            with suppress(httpx.TransportError, KeyError):
                health = httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=DEADLINE_S).json()
                page = httpx.get(f"http://127.0.0.1:{self.port}/page/", timeout=DEADLINE_S)
                if health["Status"] == "ok" and page.status_code == 200:
                    return time.monotonic() - began_s
            threading.Event().wait(0.1)
        raise AssertionError("API and page do not come back")


def kill_server(times: int, control: int = CONTROL) -> Result:
    """Kills the server ``times`` times, at a random age of up to ``LONGEST_LIFE_S`` seconds."""
    with ExitStack() as stack:
        street = Street(stack)
        street.wait_for_server()
        control_s = max(street.drive(control))
        killed: list[int] = []
        killer = threading.Thread(target=_kill, args=(street, times, killed))
        killer.start()
        delays, vehicles = [], 0
        while killer.is_alive() or not vehicles:
            delays += street.drive(1)
            vehicles += 1
        killer.join()
        return Result(len(killed), vehicles, len(delays), max(delays), control_s, street.wait_for_server())


def _kill(street: Street, times: int, killed: list[int]) -> None:
    deadline_s = time.monotonic() + 60 + times * 15
    while len(killed) < times and time.monotonic() < deadline_s:
        process = street.server()
        if process is None or process.pid in killed:
            threading.Event().wait(0.02)
            continue
        threading.Event().wait(random.uniform(0, LONGEST_LIFE_S))
        process.kill()
        killed.append(process.pid)


def main() -> None:
    """Kills, counts and prints. Exit code 1 if a passage was lost or late."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=200)
    result = kill_server(parser.parse_args().times)
    print(result)
    sys.exit(0 if result.is_sound else 1)


if __name__ == "__main__":
    main()
