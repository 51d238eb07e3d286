"""Every fault between a gate and its broker, done to the real program one by one: what was lost, and for how long.

    python -m tests.faults.table [--only NAME ...]

The gate is one process throughout, and before each fault its connection has held long enough to count as a good one.
Seconds to recover run from the moment that the fault is over to the moment that a
passage made after it was received. "Log lines" are the gate's own about its broker, from the fault to its recovery.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from edge_lpr.backoff import BackOff
from edge_lpr.config import MqttSettings
from edge_lpr.mqtt.connection import MqttConnection
from edge_lpr.mqtt.topics import Topics
from tests.faults.bench import PASSWORD, USER, Act, Bench, bench
from tests.faults.gate_process import PLATE
from tests.faults.relay import QUOTA_EXCEEDED, Faults, Way
from tests.faults.tally import Tally, tally

COLUMNS = ("fault", "produced", "received", "lost", "gaps", "doubled", "two ids", "out of order", "recovered in",
           "log lines")  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """``do`` begins it and waits until the gate felt it; ``mend`` ends it. ``told`` is what the log then says."""

    name: str
    do: Act
    mend: Act
    told: str | None
    reconnects: bool = True


@dataclass(frozen=True)
class Row:
    """What one fault did."""

    fault: str
    tally: Tally
    recovered_s: float
    log_lines: int


def _line(faults: Faults, told: str | None = None, *, cut: bool = False, passages: int = 3) -> Act:
    """Set the relay's faults, and wait until the log names them, or for some passages."""

    def do(at: Bench) -> None:
        start = len(at.gate.log)
        at.relay.faults = faults
        if cut:
            at.relay.cut()
        if told is None:
            at.gate.wait_for_passages(passages)
        else:
            at.gate.wait_for_line(told, start)

    return do


def _cut(at: Bench) -> None:
    at.relay.cut()


def _mend_line(at: Bench) -> None:
    at.relay.heal()


def _heal_and_cut(at: Bench) -> None:
    at.relay.heal()
    at.relay.cut()


def _wrong_password(at: Bench) -> None:
    start = len(at.gate.log)
    at.password_file.write_text("wrong", encoding="ascii")
    at.relay.cut()
    at.gate.wait_for_line("refuses us", start)
    at.gate.wait_for_passages(2)


def _right_password(at: Bench) -> None:
    at.password_file.write_text(PASSWORD, encoding="ascii")


def _rival(at: Bench) -> None:
    """Another gate with this gate's id throws it out, and is thrown out, for five rounds."""
    settings = MqttSettings(port=at.broker.port, username=USER, password_file=at.folder / "right-password")
    rival = MqttConnection(
        settings.model_copy(update={"client_id": "edge-lpr-gate-1"}), Topics("rival", "gate-1"), BackOff(0.05, 0.2)
    )
    rival.start()
    try:
        at.gate.wait_for(lambda: rival.status.connects >= 3, "three rounds")
    finally:
        rival.stop()


def _no_names(at: Bench) -> None:
    start = len(at.gate.log)
    at.gate.no_dns.touch()
    at.relay.cut()
    at.gate.wait_for_line("host name not found", start)


def _names(at: Bench) -> None:
    at.gate.no_dns.unlink()


def _nothing(_at: Bench) -> None:
    """It is over by itself."""


BOTH: frozenset[Way] = frozenset({"up", "down"})
UP: frozenset[Way] = frozenset({"up"})
DOWN: frozenset[Way] = frozenset({"down"})
FAULTS = (
    Fault("connection cut", _cut, _nothing, "connection closed"),
    Fault("broker unreachable", _line(Faults(refusing=True), "unreachable", cut=True), _mend_line, "unreachable"),
    Fault("broker killed and restarted", Bench.restart_broker, _nothing, "connection closed"),
    Fault("wrong password", _wrong_password, _right_password, "refuses us: Not authorized"),
    Fault("quota exceeded, disk full", _line(Faults(refuse_plates=QUOTA_EXCEEDED), "refuses passages"), _mend_line,
          "refuses passages on edge-lpr/gate-1/plate: Quota exceeded", reconnects=False),
    Fault("half-open, all packets vanish", _line(Faults(lost=BOTH), "Keep alive timeout"), _mend_line,
          "Keep alive timeout"),
    Fault("half-open, answers vanish", _line(Faults(lost=DOWN), "Keep alive timeout"), _mend_line,
          "Keep alive timeout"),
    Fault("half-open, our packets vanish", _line(Faults(lost=UP), "lost: "), _mend_line, "lost: "),
    Fault("stalled for a while", _line(Faults(stalled=True), passages=20), _mend_line, None, reconnects=False),
    Fault("slow line, 2 kB/s", _line(Faults(rate=2000), passages=10), _mend_line, None, reconnects=False),
    Fault("slow acknowledgements, 1 s each", _line(Faults(puback_delay_s=1), passages=20), _mend_line, None,
          reconnects=False),
    Fault("corrupt answers", _line(Faults(corrupt=DOWN), passages=10), _heal_and_cut, "lost: "),
    Fault("session taken over", _rival, _nothing, "is there another client"),
    Fault("host name not found", _no_names, _names, "host name not found"),
)  # fmt: skip


def run(names: Sequence[str] = (), *, patient: bool = True) -> list[Row]:
    """Do these faults, or all. Raises AssertionError for a fault that the gate did not name, or did not get over.

    ``patient`` waits before each until the connection counts as a good one: half a minute. Without that the gate says
    of later faults only that the connection comes and goes.
    """
    rows = []
    with bench() as at:
        for fault in FAULTS:
            if not names or fault.name in names:
                rows.append(_suffer(fault, at, patient))
        whole = at.settle()
        assert whole.is_sound, whole
    return rows


def _suffer(fault: Fault, at: Bench, patient: bool) -> Row:
    if patient:
        at.wait_holding()
    first, start, messages = at.gate.last_passage + 1, len(at.gate.log), len(at.subscriber.messages)
    fault.do(at)
    fault.mend(at)
    began_s = time.monotonic()
    at.wait_received(at.gate.last_passage + 1)
    recovered_s = time.monotonic() - began_s
    if fault.reconnects:
        at.wait_whole(messages)
    told = [line for line in at.gate.log[start:].splitlines() if "MQTT: " in line]
    is_told = fault.told is None or any(re.search(fault.told, line) for line in told)
    assert is_told or not patient, f"{fault.name} is not told of: {told}"
    last = at.gate.last_passage
    at.wait_received(last)
    return Row(fault.name, tally(at.subscriber.on(PLATE), last, first=first), recovered_s, len(told))


def print_table(rows: Sequence[Row]) -> None:
    """For a person."""
    table = Table(*COLUMNS)
    for row in rows:
        count = row.tally
        numbers = (count.produced, count.received, count.lost, count.gaps, count.doubled, count.clashes,
                   count.out_of_order)  # fmt: skip
        table.add_row(row.fault, *map(str, numbers), f"{row.recovered_s:.1f} s", str(row.log_lines))
    Console(width=140).print(table)


def main() -> None:
    """Print the table; exit code 1 where anything was lost, mixed up or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[fault.name for fault in FAULTS], default=(), metavar="NAME")
    rows = run(parser.parse_args().only)
    print_table(rows)
    sys.exit(0 if all(row.tally.is_sound for row in rows) else 1)


if __name__ == "__main__":
    main()
