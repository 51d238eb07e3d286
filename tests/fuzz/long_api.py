"""The long form of tests/fuzz/test_fuzz_api.py: many requests to one service, and the growth of its memory.

    python -m tests.fuzz.long_api [--requests 50000]

Half of the requests go to a service without keys. The other half, mostly signed, go to a service with keys. Neither
service has a camera, so the processor is free for the requests. The test fails if fewer requests were answered than
sent, if the SDK could not parse an answer, if the service logs a traceback, or if its memory grows by more than
``GROWTH_MB`` after the first tenth.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from rich.progress import track

from tests.fuzz import api_cases as fuzzing
from tests.support.demo_gate import plate_photo, running_gate

BATCH = 300
IN_FLIGHT = 8
GROWTH_MB = 50.0
SHOWN = 10
"""Number of faults that are printed; the others are only counted."""

KEYS = {"AKIDfuzz": "a-secret-of-the-fuzzer"}


@dataclass
class Tally:
    """The answers: ``codes`` counts by Error.Code, ``faults`` are invalid answers. Safe for several threads."""

    statuses: Counter[int] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, request: httpx.Request, response: httpx.Response) -> None:
        """Checks and counts an answer."""
        code = fault = ""
        try:
            code = fuzzing.assert_is_an_answer(
                response.status_code, response.headers.get("content-type", ""), response.content
            )
        except Exception as error:  # any exception here may also occur in the SDK
            fault = f"{type(error).__name__}: {str(error)[:300]}"
        with self._lock:
            self.statuses[response.status_code] += 1
            if fault:
                self.faults.append(f"{_shown(request)}\n    {response.status_code} {response.text[:300]}\n    {fault}")
            else:
                self.codes[code] += 1

    def record_no_answer(self, request: httpx.Request, error: httpx.HTTPError) -> None:
        """Counts a request without an answer."""
        with self._lock:
            self.faults.append(f"{_shown(request)}\n    no answer: {error!r}")

    @property
    def growth_mb(self) -> float:
        """Growth of memory after the first tenth, in MB."""
        return self.memory_mb[-1] - self.memory_mb[-(-len(self.memory_mb) // 10)]


def main() -> None:
    """Sends the requests and prints the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=50_000, help="total number, at least 2")
    wanted = max(2, parser.parse_args().requests)
    photo = plate_photo()
    began_s = time.monotonic()
    failed = False
    answered = 0
    for name, keys, count in (("unsigned", {}, wanted - wanted // 2), ("signed", KEYS, wanted // 2)):
        tally, log = _run(name, photo, keys, count)
        failed |= _print(name, tally, log)
        answered += tally.statuses.total()
    print(f"{answered} of {wanted} requests were answered, in {time.monotonic() - began_s:.0f} s")
    if failed or answered < wanted:
        sys.exit("FAILED")


def _run(name: str, photo: bytes, keys: dict[str, str], count: int) -> tuple[Tally, str]:
    """Sends ``count`` requests, several in parallel, to a service with ``keys``; returns the answers and its log."""
    tally = Tally()
    places = threading.BoundedSemaphore(IN_FLIGHT)
    limits = httpx.Limits(max_connections=IN_FLIGHT)
    with (
        running_gate(camera=False, keys=keys, queue=IN_FLIGHT) as gate,
        httpx.Client(base_url=gate.url, timeout=60, limits=limits) as client,
        ThreadPoolExecutor(IN_FLIGHT) as pool,
    ):

        def send(request: httpx.Request) -> None:
            try:
                tally.record(request, client.send(request))
            except httpx.HTTPError as error:
                tally.record_no_answer(request, error)
            finally:
                places.release()

        service = psutil.Process(gate.process.pid)
        requests = itertools.islice(_requests(photo, client, bool(keys)), count)
        for number, request in enumerate(track(requests, f"{name:9}", total=count)):
            if number % max(1, count // 100) == 0:
                tally.memory_mb.append(service.memory_info().rss / 2**20)
            places.acquire()
            pool.submit(send, request)
        pool.shutdown()
        tally.memory_mb.append(service.memory_info().rss / 2**20)
        return tally, gate.log


def _requests(photo: bytes, client: httpx.Client, sign: bool) -> Iterator[httpx.Request]:
    """Yields requests endlessly, each batch from a run with its own seed: Hypothesis keeps a run in memory."""
    for number in itertools.count():
        made: list[httpx.Request] = []
        for strategy in (fuzzing.raw(photo), fuzzing.pictures(photo), fuzzing.documented()):
            _generate(strategy.map(lambda each: fuzzing.as_httpx(client, each)), number, made)
        for place, request in enumerate(made):
            yield _signed(request, place) if sign else request


def _generate(strategy: st.SearchStrategy[httpx.Request], number: int, into: list[httpx.Request]) -> None:
    @seed(number)
    @settings(
        max_examples=BATCH // 3,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(request=strategy)
    def keep(request: httpx.Request) -> None:
        into.append(request)

    keep()


def _signed(request: httpx.Request, place: int) -> httpx.Request:
    """Signs a request; two of ten are signed wrong, one of ten is not signed."""
    (secret_id, secret_key), *_ = KEYS.items()
    match place % 10:
        case 0:
            return request
        case 1:
            return fuzzing.sign(request, secret_id, "another secret")
        case 2:
            return fuzzing.sign(request, "AKIDother", secret_key)
        case _:
            return fuzzing.sign(request, secret_id, secret_key)


def _print(name: str, tally: Tally, log: str) -> bool:
    """Prints the summary of one service; returns True if something failed."""
    server_errors = sum(count for status, count in tally.statuses.items() if status >= 500)
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(tally.statuses.items()))
    print(f"\n{name}: {tally.statuses.total()} answers; by HTTP status {statuses}; 5xx: {server_errors}")
    for code, count in tally.codes.most_common():
        print(f"{count:8}  {code}")
    print(f"answers outside the schema, or none at all: {len(tally.faults)}")
    for fault in tally.faults[:SHOWN]:
        print(f"  {fault}")
    first_mb, *_, last_mb = tally.memory_mb
    settled_mb = last_mb - tally.growth_mb
    print(f"memory: {first_mb:.0f} MB at the start, {settled_mb:.0f} after a tenth, {last_mb:.0f} at the end")
    if "Traceback" in log:
        print(f"the service logged a traceback:\n{log}")
    if tally.growth_mb > GROWTH_MB:
        print("the service's memory grows")
    return bool(server_errors or tally.faults or "Traceback" in log or tally.growth_mb > GROWTH_MB)


def _shown(request: httpx.Request) -> str:
    headers: dict[str, Any] = dict(request.headers)
    return f"{request.method} {request.url!s:.200} {headers!s:.500} {request.content[:300]!r}"


if __name__ == "__main__":
    main()
