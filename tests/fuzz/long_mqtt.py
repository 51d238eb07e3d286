"""The long form of tests/fuzz/test_fuzz_mqtt.py: many messages to one service, and its memory meanwhile.

    python -m tests.fuzz.long_mqtt [--messages 100000]

Fails where a request is not answered once and properly, where the service ends or logs a traceback, where its memory
grows by more than ``GROWTH_MB`` after the first tenth, or where fewer messages were sent than asked for.
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

from tests.fuzz.mqtt_cases import Asker, Request, requests
from tests.support.demo_gate import plate_photo, running_gate
from tests.support.mqtt import Mosquitto, Subscriber

AT_ONCE = 20
BATCHES = 50
"""In one run of Hypothesis."""
GROWTH_MB = 50.0


def main() -> None:
    """Ask, and print what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    wanted = parser.parse_args().messages
    one = requests(plate_photo())
    memory_mb: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        broker = Mosquitto(Path(name)).start()
        subscriber = Subscriber(broker.port)
        asker = Asker(subscriber)
        try:
            with running_gate(broker=broker.port, queue=64) as gate:
                subscriber.wait_payload("edge-lpr/gate-1/availability", b"online")
                service = psutil.Process(gate.process.pid)
                for number in track(range(-(-wanted // (AT_ONCE * BATCHES))), "asking"):
                    _run(number, min(BATCHES, -(-(wanted - asker.sent) // AT_ONCE)), one, asker)
                    memory_mb.append(service.memory_info().rss / 2**20)
                log, is_up = gate.log, gate.process.poll() is None
        finally:
            subscriber.close()
            broker.stop()
    for code, count in asker.codes.most_common():
        print(f"{count:8}  {code}")
    settled_mb, last_mb = memory_mb[len(memory_mb) // 10], memory_mb[-1]
    print(f"{asker.sent} messages; memory {settled_mb:.0f} MB after a tenth of them, {last_mb:.0f} MB at the end")
    if not is_up or "Traceback" in log:
        sys.exit(f"the service ended or logged a traceback:\n{log}")
    if last_mb - settled_mb > GROWTH_MB:
        sys.exit("the service's memory grows")
    if asker.sent < wanted:
        sys.exit("fewer messages than asked for")


def _run(number: int, batches: int, one: st.SearchStrategy[Request], asker: Asker) -> None:
    """``batches`` lists of messages. A seed for each run: Hypothesis itself remembers what it made."""

    @seed(number)
    @settings(
        max_examples=batches,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(batch=st.lists(one, min_size=AT_ONCE, max_size=AT_ONCE))
    def ask(batch: list[Request]) -> None:
        asker.ask(batch)

    ask()


if __name__ == "__main__":
    main()
