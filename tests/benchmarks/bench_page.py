"""The cost of viewers of the page: frame rate, latency and processor share with 0, 1 and 5 viewers, in turns.

    python -m tests.benchmarks.bench_page [--seconds 40] [--rounds 2]

The camera is a network camera on this machine (``tests/faults/scripted_camera.py``: MJPEG, 960 x 540, 12 frames a
second). One vehicle follows the other, so the gate reads as many frames as it can. The viewers run on this machine
too, unlike those of a real gate. The processor share is that of the service only.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from rich.console import Console
from rich.table import Table

from tests.benchmarks.bench_idle import traffic
from tests.support.page_gate import PageGate, logged_in, page_gate

VIEWERS = (0, 1, 5)
PACE_WINDOW_S = 30.0
"""Seconds over which the service calculates its median latency. A shorter turn would include the previous one."""


@dataclass(frozen=True)
class Turn:
    """One measurement. ``frames`` and ``pictures`` are per second, pictures per viewer; ``share`` is of a core."""

    frames: float
    latency_ms: float
    share: float
    pictures: float
    kilobytes: float


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="The cost of viewers of the page.")
    parser.add_argument("--seconds", type=float, default=40.0, help="of each turn (default: 40; 30 or more)")
    parser.add_argument("--rounds", type=int, default=2, help="turns of each number of viewers (default: 2)")
    options = parser.parse_args()
    turns: dict[int, list[Turn]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, page_gate(Path(folder)) as gate, traffic(gate.camera, busy=True):
        for _ in range(options.rounds):
            for viewers in VIEWERS:
                turns[viewers].append(measure(gate, viewers, options.seconds))
    table = Table(title=f"one camera, a vehicle always in sight; {psutil.cpu_count()} cores; medians of the turns")
    for heading in (
        "viewers",
        "frames read a second",
        "latency, ms",
        "share of one core",
        "pictures a second",
        "kB each",
    ):
        table.add_column(heading, justify="right")
    for viewers, measured in turns.items():
        table.add_row(
            str(viewers),
            f"{statistics.median(turn.frames for turn in measured):.2f}",
            f"{statistics.median(turn.latency_ms for turn in measured):.0f}",
            f"{statistics.median(turn.share for turn in measured):.1%}",
            f"{statistics.median(turn.pictures for turn in measured):.2f}" if viewers else "",
            f"{statistics.median(turn.kilobytes for turn in measured):.0f}" if viewers else "",
        )
    Console(width=120).print(table)
    if options.seconds < PACE_WINDOW_S:
        print(f"Turns shorter than {PACE_WINDOW_S:.0f} s: each latency includes part of the previous turn.")


def measure(gate: PageGate, viewers: int, seconds: float) -> Turn:
    """Measures one turn with ``viewers`` viewers."""
    process = psutil.Process(gate.process.pid)
    with logged_in(gate) as client, watching(gate, viewers) as taken:
        before, cpu, began_s = client.get("status").json()["Health"], process.cpu_times(), time.monotonic()
        taken.clear()
        threading.Event().wait(seconds)
        pictures, after_cpu, lasted_s = list(taken), process.cpu_times(), time.monotonic() - began_s
        after = client.get("status").json()["Health"]
    return Turn(
        frames=(after["Reading"]["FramesRead"] - before["Reading"]["FramesRead"]) / lasted_s,
        latency_ms=after["LatencyMilliseconds"],
        share=(after_cpu.user + after_cpu.system - cpu.user - cpu.system) / lasted_s,
        pictures=len(pictures) / max(viewers, 1) / lasted_s,
        kilobytes=statistics.mean(pictures) / 1024 if pictures else 0.0,
    )


@contextmanager
def watching(gate: PageGate, viewers: int) -> Iterator[list[int]]:
    """Runs viewers that fetch one picture after the other; yields the list of sizes in bytes."""
    ended = threading.Event()
    taken: list[int] = []

    def watch(client: httpx.Client, viewer: int) -> None:
        view = 0
        while not ended.is_set():
            answer = client.get("live", params={"viewer": f"viewer-{viewer}", "after": view})
            answer.raise_for_status()
            if answer.status_code == 200:
                taken.append(len(answer.content))
                # The number is first in the JSON. Parsing all of it would use more of this machine.
                view = int(answer.content[4:40].partition(b":")[2].partition(b",")[0])

    with ExitStack() as cleanup:
        threads = [
            threading.Thread(target=watch, args=(cleanup.enter_context(logged_in(gate)), i), daemon=True)
            for i in range(viewers)
        ]
        for thread in threads:
            thread.start()
        try:
            yield taken
        finally:
            ended.set()
            for thread in threads:
                thread.join()


if __name__ == "__main__":
    main()
