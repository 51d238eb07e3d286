"""Kills a small producer and the whole program with SIGKILL at random moments, and counts what was lost.

    python -m tests.faults.kills [--producer 200] [--program 20]

Both use the product's publisher and outbox. A passage counts as accepted when ``publish_passage`` has returned (the
producer records that), or when it is on disk (the program). ``damaged`` counts databases that were moved aside.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from rich.progress import track

from tests.faults.gate_process import PLATE, ROOT, Gate, deliver, last_sequence
from tests.faults.producer import accepted
from tests.faults.tally import Tally, tally
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber

LONGEST_S = 0.6
"""Longest time in seconds from a producer's first passage to its end."""


def kill_producer(times: int) -> tuple[Tally, int]:
    """Starts and kills a producer ``times`` times; returns the counts of passages and of damaged databases."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state, ledger = folder / "state", folder / "ledger"
        broker = Mosquitto(folder).start()
        subscriber = Subscriber(broker.port, PLATE)
        command = [sys.executable, "-m", "tests.faults.producer", str(state), str(broker.port), str(ledger)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        try:
            for _ in track(range(times), "killing the producer", disable=not sys.stdout.isatty()):
                size = ledger.stat().st_size if ledger.exists() else 0
                with subprocess.Popen(command, env=environment) as process:
                    _wait_until_longer(ledger, size, process)
                    threading.Event().wait(random.uniform(0, LONGEST_S))
                    process.kill()
            return _count(state, broker.port, subscriber, accepted(ledger))
        finally:
            subscriber.close()
            broker.stop()


def kill_program(times: int) -> tuple[Tally, int]:
    """Does the same with the whole program; every second time before its first passage."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder).start()
        subscriber = Subscriber(broker.port, PLATE)
        gate = Gate(folder, broker.port)
        try:
            for number in track(range(times), "killing the program", disable=not sys.stdout.isatty()):
                with gate:
                    if number % 2 == 0:
                        gate.wait_for_passages(1)
                    threading.Event().wait(random.uniform(0, 3))
            return _count(gate.state, broker.port, subscriber, None)
        finally:
            subscriber.close()
            broker.stop()


def _count(state: Path, port: int, subscriber: Subscriber, stored: dict[int, str] | None) -> tuple[Tally, int]:
    """Delivers the waiting passages; returns the counts."""
    last = last_sequence(state)
    deliver(state, port)
    subscriber.wait(lambda all_: any(m.json["Event"]["Sequence"] == last for m in all_[-200:]), DEADLINE_S)
    return tally(subscriber.on(PLATE), last, stored), len(list(state.glob("*.corrupt-*")))


def _wait_until_longer(ledger: Path, size: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(6000):
        if ledger.exists() and ledger.stat().st_size > size:
            return
        assert process.poll() is None, "the producer has ended"
        threading.Event().wait(0.01)
    raise AssertionError("the producer made no passage")


def main() -> None:
    """Kills, counts and prints. Exit code 1 if anything was lost, mixed up, out of order or damaged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--producer", type=int, default=200)
    parser.add_argument("--program", type=int, default=20)
    arguments = parser.parse_args()
    is_sound = True
    for what, times in (("producer", arguments.producer), ("program", arguments.program)):
        if times:
            counts, damaged = (kill_producer if what == "producer" else kill_program)(times)
            print(f"{what}: {times} kills: {counts}, {damaged} damaged", flush=True)
            is_sound = is_sound and counts.is_sound and not damaged
    sys.exit(0 if is_sound else 1)


if __name__ == "__main__":
    main()
