"""Power cuts at random moments under load, and what came of the passages.

Three accounts are kept apart from the gate's own: its log, which leaves the machine line by line as it is written (a
passage that is told of there was promised to be on the disk), the messages that a broker outside of the machine passed
on, and the outbox as it lies on the disk after each cut.
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
from tests.system import checks, remains
from tests.system.host import SystemTestError
from tests.system.ledger import Ledger
from tests.system.machine import HOST, PATIENCE_S, Machine

MORE_PASSAGES = 3
"""How often, at most, more passages are waited for between the first one after a boot and the next cut."""

UNDER_LOAD_S = 10.0
"""The longest time from the last of them to the cut."""

BLOCKS_IN_A_WRITE = 6
"""The most that the card was sent, and not yet told to keep, when the power goes in the middle of a write."""

_JOURNAL = "journalctl -b -u edge-lpr -o cat --no-pager"
_FAULTS = r"EXT4-fs (error|warning)|I/O error|Remounting filesystem read-only|unexpected inconsistency|moved aside"
COLUMNS = ("cut", "broker", "s after\n1st passage", "blocks un-\nflushed, lost", "stored", "received", "on disk",
           "doubled", "lost", "gaps", "twice\ngiven", "file system; outbox", "1st passage\nafter boot")  # fmt: skip


class OuterBroker(Mosquitto):
    """The broker at the host: it must outlive the cuts. Stopped for a while, it answers nothing."""

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@dataclass(frozen=True)
class Cut:
    """One row of the table; counts are of all cuts so far."""

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
    given_twice: int
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
    """Cuts the power of one machine again and again; what is on its disk stays there from cut to cut."""

    def __init__(self, machine: Machine, broker: OuterBroker, seed: int) -> None:
        self._machine = machine
        self._broker = broker
        self._draw = random.Random(seed)
        self._ledger = Ledger()
        self._messages = 0
        self._log_start = 0

    def run(self, cuts: int, tell: Callable[[str], None]) -> str:
        """Cut ``cuts`` times and settle. Before every second cut the broker answers nothing, so that passages wait;
        every second pair of cuts falls in the middle of a write. The outcome in one line.

        Raises SystemTestError where a stored passage is lost, a number is missing or was given twice, or the file
        system or the outbox was damaged.
        """
        self._move_to_our_broker()
        subscriber = Subscriber(self._broker.port, checks.TOPIC)
        rows: list[Cut] = []
        try:
            self._machine.ask("systemctl start --no-block edge-lpr")
            self._wait_for_passage(subscriber, 0)
            for number in range(1, cuts + 1):
                rows.append(self._cut(number, subscriber))
                tell(str(rows[-1]))
            self._settle(subscriber)
        finally:
            self._broker.resume()
            subscriber.close()
            _print(rows)
        ledger = self._ledger
        outcome = (
            f"{cuts} cuts: {len(ledger.stored)} stored, {len(ledger.received)} received, {len(ledger.lost())} lost, "
            f"{len(ledger.gaps())} gaps, {len(ledger.given_twice)} given twice, {ledger.doubled} doubled"
        )
        self._check(outcome)
        return outcome

    def _move_to_our_broker(self) -> None:
        """Name the service our broker; the ledger begins after what the one in the machine was told."""
        self._machine.ask("systemctl stop edge-lpr; journalctl --sync")
        self._machine.ask(
            f"sed -i 's/host: [^,]*,/host: {HOST}, port: {self._broker.port},/' /etc/edge-lpr/config.yaml"
        )
        self._machine.ask("systemctl disable --now mosquitto; sync")
        told = Ledger()
        told.note_log(self._machine.ask(_JOURNAL).splitlines())
        self._log_start = self._machine.service_log.stat().st_size
        self._ledger = Ledger(first=told.last + 1)

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
        left = remains.look_at(self._machine.disk, self._machine.folder / "remains")
        self._ledger.note_waiting(left.waiting)
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
            len(self._ledger.given_twice), f"{left.file_system}; outbox sound", first_s,
        )  # fmt: skip

    def _wait_for_log(self) -> None:
        """Until the service tells of more passages, be it one or some at once."""
        before = self._machine.service_log.stat().st_size
        deadline_s = time.monotonic() + PATIENCE_S
        while b"passage " not in self._machine.service_log.read_bytes()[before:]:
            if time.monotonic() > deadline_s:
                raise SystemTestError("no passage was stored for too long")
            threading.Event().wait(0.02)

    def _wait_for_passage(self, subscriber: Subscriber, known: int) -> float:
        """Until a passage above ``known`` was received; when."""
        wanted = max(known, self._ledger.first - 1)
        subscriber.wait(
            lambda messages: any(message.json["Event"]["Sequence"] > wanted for message in messages), PATIENCE_S
        )
        return time.monotonic()

    def _check_running(self) -> None:
        """What the booted machine itself says of its disk."""
        machine = self._machine
        found = machine.run(f"(dmesg; {_JOURNAL}) | grep -E '{_FAULTS}'")[1].strip()
        if found or machine.run("touch /var/lib/edge-lpr/.probe && rm /var/lib/edge-lpr/.probe")[0]:
            raise SystemTestError(f"after a power cut the disk or the outbox is damaged: {found or 'it is read-only'}")

    def _settle(self, subscriber: Subscriber) -> None:
        """Let what was stored arrive."""
        self._machine.ask("systemctl stop edge-lpr; journalctl --sync")
        threading.Event().wait(2.0)
        self._machine.ask("systemctl start --no-block edge-lpr")
        self._read_log()
        self._wait_for_passage(subscriber, self._ledger.last)
        self._receive(subscriber)

    def _read_log(self) -> None:
        with self._machine.service_log.open("rb") as log:
            log.seek(self._log_start)
            whole_lines = log.read().rpartition(b"\n")[0]
        self._ledger.note_log(whole_lines.decode(errors="replace").splitlines())

    def _receive(self, subscriber: Subscriber) -> None:
        messages = subscriber.on(checks.TOPIC)
        for message in messages[self._messages :]:
            self._ledger.note_message(message.json)
        self._messages = len(messages)

    def _check(self, when: str, waiting: dict[int, str] | None = None) -> None:
        ledger, on_disk = self._ledger, waiting or {}
        if not ledger.stored:
            raise SystemTestError(f"{when}: no passage was stored, so this proves nothing")
        faults = {"lost": ledger.lost(on_disk), "gaps": ledger.gaps(on_disk), "given twice": ledger.given_twice}
        if any(faults.values()):
            raise SystemTestError(f"{when}: " + ", ".join(f"{what} {numbers}" for what, numbers in faults.items()))


def _print(rows: list[Cut]) -> None:
    table = Table(*COLUMNS, title="power cuts; counts are of all so far")
    for row in rows:
        counts = (row.stored, row.received, row.waiting, row.doubled, row.lost, row.gaps, row.given_twice)
        table.add_row(
            str(row.number), row.broker, f"{row.moment_s:.1f}", f"{row.blocks[0]}, {row.blocks[1]}",
            *map(str, counts), row.disk, f"{row.first_passage_s:.0f} s",
        )  # fmt: skip
    Console(width=180).print(table)
