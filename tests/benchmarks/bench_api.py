"""Requests per second and latency with 1, 4 and 16 clients, and the frame rate of the camera loop meanwhile.

    python -m tests.benchmarks.bench_api [--seconds 20] [--queue 4]

The camera is the demo clip without pauses, so the frame loop uses the reader all the time: the hardest case for both.
After a refusal a client waits ``PAUSE_S`` and repeats its request, like the retry option of the SDK.
"""

from __future__ import annotations

import argparse
import base64
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
from rich.console import Console
from rich.table import Table

from tests.support.demo_gate import Gate, plate_photo, running_gate

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
PAUSE_S = 0.1
FRAMES = "edge_lpr_frames_captured_total"


@dataclass(frozen=True, slots=True)
class Run:
    """The result for a number of clients: seconds for each answer with a plate, refusals, frames per second."""

    clients: int
    wall_s: float
    answers_s: list[float]
    refusals: int
    fps: float


def measure(gate: Gate, clients: int, seconds: float, body: dict[str, str]) -> Run:
    """Lets ``clients`` send requests in parallel for ``seconds``."""
    stop = threading.Event()
    frames, began_s = gate.metric(FRAMES), time.monotonic()
    with ThreadPoolExecutor(max(clients, 1)) as pool:
        asking = [pool.submit(_send_requests, gate.url, body, stop) for _ in range(clients)]
        stop.wait(seconds)
        stop.set()
    wall_s = time.monotonic() - began_s
    results = [one.result() for one in asking]
    answers_s = [answer_s for result, _ in results for answer_s in result]
    fps = (gate.metric(FRAMES) - frames) / wall_s
    return Run(clients, wall_s, answers_s, sum(refused for _, refused in results), fps)


def _send_requests(url: str, body: dict[str, str], stop: threading.Event) -> tuple[list[float], int]:
    answers_s: list[float] = []
    refused = 0
    with httpx.Client(base_url=url, headers=HEADERS, timeout=120) as client:
        while not stop.is_set():
            began_s = time.monotonic()
            answer = client.post("/", json=body).json()["Response"]
            if "Error" not in answer:
                answers_s.append(time.monotonic() - began_s)
            elif answer["Error"]["Code"] == "RequestLimitExceeded":
                refused += 1
                stop.wait(PAUSE_S)
            else:
                raise RuntimeError(answer)
    return answers_s, refused


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="for each number of clients")
    parser.add_argument("--queue", type=int, default=4, help="api.queue")
    options = parser.parse_args()
    body = {"ImageBase64": base64.b64encode(plate_photo()).decode()}
    table = Table("clients", "answers/s", "p50 ms", "p99 ms", "refused/s", "camera frames/s")
    with running_gate(queue=options.queue) as gate:
        for clients in (0, 1, 4, 16):
            run = measure(gate, clients, options.seconds, body)
            table.add_row(str(clients), *_columns(run), f"{run.refusals / run.wall_s:.1f}", f"{run.fps:.1f}")
    Console().print(table)


def _columns(run: Run) -> tuple[str, str, str]:
    if len(run.answers_s) < 2:
        return "-", "-", "-"
    quantiles_s = statistics.quantiles(run.answers_s, n=100, method="inclusive")
    return (
        f"{len(run.answers_s) / run.wall_s:.1f}",
        f"{quantiles_s[49] * 1000:.0f}",
        f"{quantiles_s[98] * 1000:.0f}",
    )


if __name__ == "__main__":
    main()
