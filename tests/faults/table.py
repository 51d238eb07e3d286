"""Every fault between a gate and its broker, applied to the real program one by one: losses and recovery times.

    python -m tests.faults.table [--only NAME ...]

The gate is one process for all faults. Before each fault its connection is stable. The recovery time in seconds is from
the end of the fault until a passage from after that was received. "Log lines" are those of the gate about its broker,
from the fault to the recovery.
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
from tests.faults.gate_process import PLATE
from tests.faults.relay import QUOTA_EXCEEDED, Faults, Way
from tests.faults.rig import PASSWORD, USER, Act, Rig, running_rig
from tests.faults.tally import Tally, tally

COLUMNS = ("fault", "produced", "received", "lost", "gaps", "doubled", "two ids", "out of order", "recovered in",
           "log lines")  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """``begin`` starts it and waits until the gate is affected; ``end`` ends it. The log then has ``log_pattern``."""

    name: str
    begin: Act
    end: Act
    log_pattern: str | None
    reconnects: bool = True


@dataclass(frozen=True)
class Row:
    """The result of one fault."""

    fault: str
    tally: Tally
    recovered_s: float
    log_lines: int


def _line(faults: Faults, log_pattern: str | None = None, *, cut: bool = False, passages: int = 3) -> Act:
    """Sets the relay's faults, and waits until the log reports them, or for some passages."""

    def begin(rig: Rig) -> None:
        start = len(rig.gate.log)
        rig.relay.faults = faults
        if cut:
            rig.relay.cut()
        if log_pattern is None:
            rig.gate.wait_for_passages(passages)
        else:
            rig.gate.wait_for_line(log_pattern, start)

    return begin


def _cut(rig: Rig) -> None:
    rig.relay.cut()


def _heal_line(rig: Rig) -> None:
    rig.relay.heal()


def _heal_and_cut(rig: Rig) -> None:
    rig.relay.heal()
    rig.relay.cut()


def _wrong_password(rig: Rig) -> None:
    start = len(rig.gate.log)
    rig.password_file.write_text("wrong", encoding="ascii")
    rig.relay.cut()
    rig.gate.wait_for_line("refuses us", start)
    rig.gate.wait_for_passages(2)


def _right_password(rig: Rig) -> None:
    rig.password_file.write_text(PASSWORD, encoding="ascii")


def _connect_second_client(rig: Rig) -> None:
    """Another client with the id of this gate connects; each disconnects the other, three times."""
    settings = MqttSettings(port=rig.broker.port, username=USER, password_file=rig.folder / "right-password")
    second = MqttConnection(
        settings.model_copy(update={"client_id": "edge-lpr-gate-1"}), Topics("second", "gate-1"), BackOff(0.05, 0.2)
    )
    second.start()
    try:
        rig.gate.wait_for(lambda: second.status.connects >= 3, "three connections of the second client")
    finally:
        second.stop()


def _no_names(rig: Rig) -> None:
    start = len(rig.gate.log)
    rig.gate.no_dns.touch()
    rig.relay.cut()
    rig.gate.wait_for_line("host name not found", start)


def _names(rig: Rig) -> None:
    rig.gate.no_dns.unlink()


def _nothing(_rig: Rig) -> None:
    """The fault ends by itself."""


BOTH: frozenset[Way] = frozenset({"up", "down"})
UP: frozenset[Way] = frozenset({"up"})
DOWN: frozenset[Way] = frozenset({"down"})
FAULTS = (
    Fault("connection cut", _cut, _nothing, "connection closed"),
    Fault("broker unreachable", _line(Faults(refusing=True), "unreachable", cut=True), _heal_line, "unreachable"),
    Fault("broker killed and restarted", Rig.restart_broker, _nothing, "connection closed"),
    Fault("wrong password", _wrong_password, _right_password, "refuses us: Not authorized"),
    Fault("quota exceeded, disk full", _line(Faults(refuse_plates=QUOTA_EXCEEDED), "refuses passages"), _heal_line,
          "refuses passages on edge-lpr/gate-1/plate: Quota exceeded", reconnects=False),
    Fault("half-open, all packets vanish", _line(Faults(lost=BOTH), "Keep alive timeout"), _heal_line,
          "Keep alive timeout"),
    Fault("half-open, answers vanish", _line(Faults(lost=DOWN), "Keep alive timeout"), _heal_line,
          "Keep alive timeout"),
    Fault("half-open, our packets vanish", _line(Faults(lost=UP), "lost: "), _heal_line, "lost: "),
    Fault("stalled for a while", _line(Faults(stalled=True), passages=20), _heal_line, None, reconnects=False),
    Fault("slow line, 2 kB/s", _line(Faults(rate=2000), passages=10), _heal_line, None, reconnects=False),
    Fault("slow acknowledgements, 1 s each", _line(Faults(puback_delay_s=1), passages=20), _heal_line, None,
          reconnects=False),
    Fault("corrupt answers", _line(Faults(corrupt=DOWN), passages=10), _heal_and_cut, "lost: "),
    Fault("session taken over", _connect_second_client, _nothing, "is there another client"),
    Fault("host name not found", _no_names, _names, "host name not found"),
)  # fmt: skip


def run(names: Sequence[str] = (), *, patient: bool = True) -> list[Row]:
    """Applies the faults ``names``, or all. Raises AssertionError if the gate does not report a fault or recover.

    With ``patient`` the connection is stable before each fault, which takes half a minute. Without it the gate reports
    of later faults only that the connection comes and goes.
    """
    rows = []
    with running_rig() as rig:
        for fault in FAULTS:
            if not names or fault.name in names:
                rows.append(_apply(fault, rig, patient))
        whole = rig.stop_and_count()
        assert whole.is_sound, whole
    return rows


def _apply(fault: Fault, rig: Rig, patient: bool) -> Row:
    if patient:
        rig.wait_stable()
    first, start, messages = rig.gate.last_passage + 1, len(rig.gate.log), len(rig.subscriber.messages)
    fault.begin(rig)
    fault.end(rig)
    began_s = time.monotonic()
    rig.wait_received(rig.gate.last_passage + 1)
    recovered_s = time.monotonic() - began_s
    if fault.reconnects:
        rig.wait_recovered(messages)
    lines = [line for line in rig.gate.log[start:].splitlines() if "MQTT: " in line]
    is_logged = fault.log_pattern is None or any(re.search(fault.log_pattern, line) for line in lines)
    assert is_logged or not patient, f"{fault.name} is not reported: {lines}"
    last = rig.gate.last_passage
    rig.wait_received(last)
    return Row(fault.name, tally(rig.subscriber.on(PLATE), last, first=first), recovered_s, len(lines))


def print_table(rows: Sequence[Row]) -> None:
    """Prints the rows as a table."""
    table = Table(*COLUMNS)
    for row in rows:
        count = row.tally
        numbers = (count.produced, count.received, count.lost, count.gaps, count.doubled, count.clashes,
                   count.out_of_order)  # fmt: skip
        table.add_row(row.fault, *map(str, numbers), f"{row.recovered_s:.1f} s", str(row.log_lines))
    Console(width=140).print(table)


def main() -> None:
    """Prints the table. Exit code 1 if a passage was lost, mixed up or out of order."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[fault.name for fault in FAULTS], default=(), metavar="NAME")
    rows = run(parser.parse_args().only)
    print_table(rows)
    sys.exit(0 if all(row.tally.is_sound for row in rows) else 1)


if __name__ == "__main__":
    main()
