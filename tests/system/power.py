"""Power cuts at random moments under load, and the counts of passages after them.

The counts come from three sources outside the gate: its log, which leaves the machine line by line (a passage in the
log must be on the disk), the messages that a broker outside the machine received, and the outbox on the disk after each
cut.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.support.mqtt import Mosquitto, Subscriber
from tests.system import checks, disk_state
from tests.system.host import SystemTestError
from tests.system.ledger import Ledger
from tests.system.machine import HOST, TIMEOUT_S, Machine

MORE_PASSAGES = 3
"""Most additional passages to wait for between the first one after a boot and the next cut."""

UNDER_LOAD_S = 10.0
"""Longest time in seconds from the last of them to the cut."""

BLOCKS_IN_A_WRITE = 6
"""Most unflushed blocks at a power cut in the middle of a write."""

_JOURNAL = "journalctl -b -u edge-lpr -o cat --no-pager"
_FAULTS = r"EXT4-fs (error|warning)|I/O error|Remounting filesystem read-only|unexpected inconsistency|moved aside"
COLUMNS = ("cut", "broker", "s after\n1st passage", "blocks un-\nflushed, lost", "stored", "received", "on disk",
           "doubled", "lost", "gaps", "twice\nassigned", "file system; outbox", "1st passage\nafter boot")  # fmt: skip


class OuterBroker(Mosquitto):
    """The broker on the host, which survives the cuts. While paused it answers nothing."""

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@dataclass(frozen=True)
class Cut:
    """One row of the table. The counts include all previous cuts."""

    number: int
    broker: str
    moment_s: float
    blocks: tuple[int, int]
    stored: int
    received: int
    waiting: int
    doubled: int
    lost: int
    gaps: int
    assigned_twice: int
    disk: str
    first_passage_s: float

    def __str__(self) -> str:
        return (
            f"cut {self.number}: {self.moment_s:.1f} s after the first passage, broker {self.broker}; of "
            f"{self.blocks[0]} unflushed blocks {self.blocks[1]} lost; {self.stored} stored, {self.received} received, "
            f"{self.waiting} on disk, {self.doubled} doubled, {self.lost} lost, {self.gaps} gaps; {self.disk}; "
            f"first passage {self.first_passage_s:.0f} s after the power came back"
        )


class PowerCuts:
    """Cuts the power of one machine repeatedly; its disk is kept from cut to cut."""

    def __init__(self, machine: Machine, broker: OuterBroker, seed: int) -> None:
        self._machine = machine
        self._broker = broker
        self._draw = random.Random(seed)
        self._ledger = Ledger()
        self._messages = 0
        self._log_start = 0

    def run(self, cuts: int, report: Callable[[str], None]) -> str:
        """Cuts the power ``cuts`` times, then delivers all passages; returns the result in one line.

        Before every second cut the broker answers nothing, so that passages wait. Every second pair of cuts is in the
        middle of a write. Raises SystemTestError if a stored passage is lost, a number is missing or was assigned
        twice, or the file system or the outbox was damaged.
        """
        self._use_outer_broker()
        subscriber = Subscriber(self._broker.port, checks.TOPIC)
        rows: list[Cut] = []
        try:
            self._machine.run_checked("systemctl start --no-block edge-lpr")
            self._wait_for_passage(subscriber, 0)
            for number in range(1, cuts + 1):
                rows.append(self._cut(number, subscriber))
                report(str(rows[-1]))
            self._deliver_all(subscriber)
        finally:
            self._broker.resume()
            subscriber.close()
            _print(rows)
        ledger = self._ledger
        outcome = (
            f"{cuts} cuts: {len(ledger.stored)} stored, {len(ledger.received)} received, {len(ledger.lost())} lost, "
            f"{len(ledger.gaps())} gaps, {len(ledger.assigned_twice)} assigned twice, {ledger.doubled} doubled"
        )
        self._check(outcome)
        return outcome

    def _use_outer_broker(self) -> None:
        """Connects the service to the outer broker. The ledger starts after the passages for the inner broker."""
        self._machine.run_checked("systemctl stop edge-lpr; journalctl --sync")
        self._machine.run_checked(
            f"sed -i 's/host: [^,]*,/host: {HOST}, port: {self._broker.port},/' /etc/edge-lpr/config.yaml"
        )
        self._machine.run_checked("systemctl disable --now mosquitto; sync")
        before = Ledger()
        before.record_log(self._machine.run_checked(_JOURNAL).splitlines())
        self._log_start = self._machine.service_log.stat().st_size
        self._ledger = Ledger(first=before.last + 1)

    def _cut(self, number: int, subscriber: Subscriber) -> Cut:
        began_s = time.monotonic()
        is_silent = number % 2 == 0
        if is_silent:
            self._broker.pause()
        for _ in range(self._draw.randint(1, MORE_PASSAGES)):
            self._wait_for_log()
        if number // 2 % 2:
            threading.Event().wait(self._draw.uniform(0, UNDER_LOAD_S))
        elif not self._machine.stop_in_a_write(self._draw.randint(1, BLOCKS_IN_A_WRITE)):
            raise SystemTestError("the machine wrote nothing for too long")
        blocks = self._machine.cut_power()
        moment_s = time.monotonic() - began_s
        self._broker.resume()
        self._read_log()
        left = disk_state.inspect_disk(self._machine.disk, self._machine.folder / "disk_state")
        self._ledger.record_waiting(left.waiting)
        self._receive(subscriber)
        self._check(f"after cut {number}", left.waiting)
        known = self._ledger.last
        lost, gaps = len(self._ledger.lost(left.waiting)), len(self._ledger.gaps(left.waiting))
        self._machine.boot()
        first_s = self._wait_for_passage(subscriber, known) - self._machine.switched_on_s
        self._check_running()
        return Cut(
            number, "silent" if is_silent else "there", moment_s, blocks, len(self._ledger.stored),
            len(self._ledger.received), len(left.waiting), self._ledger.doubled, lost, gaps,
            len(self._ledger.assigned_twice), f"{left.file_system}; outbox sound", first_s,
        )  # fmt: skip

    def _wait_for_log(self) -> None:
        """Waits until the service logs at least one more passage."""
        before = self._machine.service_log.stat().st_size
        deadline_s = time.monotonic() + TIMEOUT_S
        while b"passage " not in self._machine.service_log.read_bytes()[before:]:
            if time.monotonic() > deadline_s:
                raise SystemTestError("no passage was stored for too long")
            threading.Event().wait(0.02)

    def _wait_for_passage(self, subscriber: Subscriber, known: int) -> float:
        """Waits until a passage above ``known`` was received; returns the monotonic time."""
        wanted = max(known, self._ledger.first - 1)
        subscriber.wait(
            lambda messages: any(message.json["Event"]["Sequence"] > wanted for message in messages), TIMEOUT_S
        )
        return time.monotonic()

    def _check_running(self) -> None:
        """Checks the disk and the outbox in the booted machine."""
        machine = self._machine
        found = machine.run(f"(dmesg; {_JOURNAL}) | grep -E '{_FAULTS}'")[1].strip()
        if found or machine.run("touch /var/lib/edge-lpr/.probe && rm /var/lib/edge-lpr/.probe")[0]:
            raise SystemTestError(f"after a power cut the disk or the outbox is damaged: {found or 'it is read-only'}")

    def _deliver_all(self, subscriber: Subscriber) -> None:
        """Waits until all stored passages have arrived."""
        self._machine.run_checked("systemctl stop edge-lpr; journalctl --sync")
        threading.Event().wait(2.0)
        self._machine.run_checked("systemctl start --no-block edge-lpr")
        self._read_log()
        self._wait_for_passage(subscriber, self._ledger.last)
        self._receive(subscriber)

    def _read_log(self) -> None:
        with self._machine.service_log.open("rb") as log:
            log.seek(self._log_start)
            whole_lines = log.read().rpartition(b"\n")[0]
        self._ledger.record_log(whole_lines.decode(errors="replace").splitlines())

    def _receive(self, subscriber: Subscriber) -> None:
        messages = subscriber.on(checks.TOPIC)
        for message in messages[self._messages :]:
            self._ledger.record_message(message.json)
        self._messages = len(messages)

    def _check(self, when: str, waiting: dict[int, str] | None = None) -> None:
        ledger, on_disk = self._ledger, waiting or {}
        if not ledger.stored:
            raise SystemTestError(f"{when}: no passage was stored, so nothing was tested")
        faults = {"lost": ledger.lost(on_disk), "gaps": ledger.gaps(on_disk), "assigned twice": ledger.assigned_twice}
        if any(faults.values()):
            raise SystemTestError(f"{when}: " + ", ".join(f"{what} {numbers}" for what, numbers in faults.items()))


def _print(rows: list[Cut]) -> None:
    table = Table(*COLUMNS, title="power cuts; counts are of all so far")
    for row in rows:
        counts = (row.stored, row.received, row.waiting, row.doubled, row.lost, row.gaps, row.assigned_twice)
        table.add_row(
            str(row.number), row.broker, f"{row.moment_s:.1f}", f"{row.blocks[0]}, {row.blocks[1]}",
            *map(str, counts), row.disk, f"{row.first_passage_s:.0f} s",
        )  # fmt: skip
    Console(width=180).print(table)
