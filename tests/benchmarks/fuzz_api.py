"""The long form of tests/api/test_fuzz.py: many generated requests to a service of its own, and its memory meanwhile.

    python -m tests.benchmarks.fuzz_api [--requests 50000]

Fails where an answer is none that the SDK understands, where the service logs a traceback, or where its memory grows by
more than ``GROWTH_MB`` after the first tenth.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import Any

import httpx
import psutil
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from rich.progress import track

from tests.api import fuzzing
from tests.benchmarks.gate import Gate, plate_photo, running_gate

BATCH = 600
GROWTH_MB = 50.0


def main() -> None:
    """Ask, and print what came."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000)
    batches = max(2, parser.parse_args().requests // BATCH)
    photo = plate_photo()
    codes: Counter[str] = Counter()
    memory_mb: list[float] = []
    with running_gate(queue=8) as gate, httpx.Client(base_url=gate.url, timeout=60) as client:
        service = psutil.Process(gate.process.pid)
        for number in track(range(batches), "asking"):
            _batch(number, photo, client, gate, codes)
            memory_mb.append(service.memory_info().rss / 2**20)
        log = gate.log
    for code, count in codes.most_common():
        print(f"{count:8}  {code}")
    settled_mb, last_mb = memory_mb[len(memory_mb) // 10], memory_mb[-1]
    print(f"{codes.total()} requests; memory {settled_mb:.0f} MB after a tenth of them, {last_mb:.0f} MB at the end")
    if "Traceback" in log:
        sys.exit(f"the service logged a traceback:\n{log}")
    if last_mb - settled_mb > GROWTH_MB:
        sys.exit("the service's memory grows")


def _batch(number: int, photo: bytes, client: httpx.Client, gate: Gate, codes: Counter[str]) -> None:
    """``BATCH`` requests, a third of each source. A seed for each batch: Hypothesis itself remembers what it made."""
    share = settings(
        max_examples=BATCH // 3,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    @seed(number)
    @share
    @given(request=fuzzing.raw(photo))
    def beyond(request: fuzzing.Request) -> None:
        codes[fuzzing.send(client, request)] += 1

    @seed(number)
    @share
    @given(case=fuzzing.documented())
    def documented(case: schemathesis.Case[Any]) -> None:
        response = case.call(base_url=gate.url)
        content_type = response.headers["content-type"][0]
        codes[fuzzing.assert_is_an_answer(response.status_code, content_type, response.content)] += 1

    @seed(number)
    @share
    @given(request=fuzzing.pictures(photo))
    def decoder(request: fuzzing.Request) -> None:
        codes[fuzzing.send(client, request)] += 1

    beyond()
    decoder()
    documented()


if __name__ == "__main__":
    main()
