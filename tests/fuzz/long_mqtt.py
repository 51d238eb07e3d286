"""The long form of tests/fuzz/test_fuzz_mqtt.py: many messages to one service, and the growth of its memory.

    python -m tests.fuzz.long_mqtt [--messages 100000]

It fails if a request does not get exactly one valid answer, if the service ends or logs a traceback, if its memory
grows by more than ``GROWTH_MB`` after the first tenth, or if fewer messages were sent than requested.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.progress import track

from tests.fuzz.mqtt_cases import Request, Requester, requests
from tests.support.demo_gate import plate_photo, running_gate
from tests.support.mqtt import Mosquitto, Subscriber

AT_ONCE = 20
BATCHES = 50
"""Number of batches in one run of Hypothesis."""
GROWTH_MB = 50.0


def main() -> None:
    """Sends the messages and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    wanted = parser.parse_args().messages
    one = requests(plate_photo())
    memory_mb: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        broker = Mosquitto(Path(name)).start()
        subscriber = Subscriber(broker.port)
        requester = Requester(subscriber)
        try:
            with running_gate(broker=broker.port, queue=64) as gate:
                subscriber.wait_payload("edge-lpr/gate-1/availability", b"online")
                requester.wait_ready()
                service = psutil.Process(gate.process.pid)
                for number in track(range(-(-wanted // (AT_ONCE * BATCHES))), "sending"):
                    _run(number, min(BATCHES, -(-(wanted - requester.sent) // AT_ONCE)), one, requester)
                    memory_mb.append(service.memory_info().rss / 2**20)
                log, is_up = gate.log, gate.process.poll() is None
        finally:
            subscriber.close()
            broker.stop()
    for code, count in requester.codes.most_common():
        print(f"{count:8}  {code}")
    settled_mb, last_mb = memory_mb[len(memory_mb) // 10], memory_mb[-1]
    print(f"{requester.sent} messages; memory {settled_mb:.0f} MB after a tenth of them, {last_mb:.0f} MB at the end")
    if not is_up or "Traceback" in log:
        sys.exit(f"the service ended or logged a traceback:\n{log}")
    if last_mb - settled_mb > GROWTH_MB:
        sys.exit("the service's memory grows")
    if requester.sent < wanted:
        sys.exit("fewer messages than requested")


def _run(number: int, batches: int, one: st.SearchStrategy[Request], requester: Requester) -> None:
    """Sends ``batches`` lists of messages in a run with its own seed: Hypothesis keeps the cases of a run in memory."""

    @seed(number)
    @settings(
        max_examples=batches,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(batch=st.lists(one, min_size=AT_ONCE, max_size=AT_ONCE))
    def send(batch: list[Request]) -> None:
        requester.send(batch)

    send()


if __name__ == "__main__":
    main()
