"""Power cuts at random moments under load, and what came of the passages."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable

from tests.fixtures_mqtt import Mosquitto, Subscriber
from tests.system import checks
from tests.system.host import SystemTestError
from tests.system.ledger import Ledger
from tests.system.machine import HOST, Machine

_JOURNAL = "journalctl -b -u edge-lpr -o cat --no-pager"
_FAULTS = r"EXT4-fs (error|warning)|I/O error|Remounting filesystem read-only|unexpected inconsistency|moved aside"


class OuterBroker(Mosquitto):
    """The broker at the host: it must outlive the cuts. Stopped for a while, it answers nothing."""

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


def cut_again_and_again(
    machine: Machine, broker: OuterBroker, cuts: int, seed: int, tell: Callable[[str], None]
) -> str:
    """Cut the power ``cuts`` times. Before every second one the broker answers nothing, so that passages wait.

    Stored passages are those that the service's log tells of before the cut. Raises SystemTestError where one is lost,
    a sequence number is missing or was given twice, or the file system or the outbox was damaged.
    """
    draw = random.Random(seed)
    ledger = _move_to(machine, broker)
    subscriber = Subscriber(broker.port, checks.TOPIC)
    try:
        machine.ask("systemctl start --no-block edge-lpr")
        for cut in range(1, cuts + 1):
            _wait_for_passages(subscriber, 1)
            if cut % 2 == 0:
                broker.pause()
            moment_s = draw.uniform(0, 60)
            threading.Event().wait(moment_s)
            ledger.note_log(machine.ask(_JOURNAL, checks.WALL_S).splitlines())
            machine.cut_power()
            broker.resume()
            booted_s = machine.boot()
            checks.wait_until_it_works(machine)
            _check_disk(machine)
            tell(f"cut {cut} of {cuts}: {len(ledger.stored)} stored so far; back after {booted_s:.0f} s")
        _settle(machine, subscriber, ledger)
    finally:
        broker.resume()
        subscriber.close()
    outcome = (
        f"{cuts} cuts: {len(ledger.stored)} stored, {len(ledger.received)} received, {len(ledger.lost)} lost, "
        f"{len(ledger.gaps)} gaps, {len(ledger.given_twice)} numbers given twice, {ledger.repeated} came again"
    )
    if not ledger.is_whole or not ledger.stored:
        raise SystemTestError(f"{outcome}; lost {ledger.lost}, gaps {ledger.gaps}, twice {ledger.given_twice}")
    return outcome


def _move_to(machine: Machine, broker: OuterBroker) -> Ledger:
    """Stop the service and name it another broker; the ledger begins after what the one in the guest was told."""
    machine.ask("systemctl stop edge-lpr", checks.WALL_S)
    machine.ask(f"sed -i 's/host: [^,]*,/host: {HOST}, port: {broker.port},/' /etc/edge-lpr/config.yaml; sync")
    told = Ledger()
    told.note_log(machine.ask(_JOURNAL, checks.WALL_S).splitlines())
    return Ledger(first=max(told.stored, default=0) + 1)


def _wait_for_passages(subscriber: Subscriber, more: int) -> None:
    wanted = len(subscriber.on(checks.TOPIC)) + more
    subscriber.wait(lambda messages: len(messages) >= wanted, checks.WALL_S)


def _check_disk(machine: Machine) -> None:
    found = machine.run(f"(dmesg; {_JOURNAL}) | grep -E '{_FAULTS}'")[1].strip()
    if found or machine.run("touch /var/lib/edge-lpr/.probe && rm /var/lib/edge-lpr/.probe")[0]:
        raise SystemTestError(f"after a power cut the disk or the outbox is damaged: {found or 'it is read-only'}")


def _settle(machine: Machine, subscriber: Subscriber, ledger: Ledger) -> None:
    """Wait until what was stored before the last look has arrived."""
    ledger.note_log(machine.ask(_JOURNAL, checks.WALL_S).splitlines())
    deadline_s = time.monotonic() + checks.WALL_S
    last = max(ledger.stored, default=0)
    subscriber.wait(
        lambda messages: any(message.json["Event"]["Sequence"] >= last for message in messages),
        deadline_s - time.monotonic(),
    )
    for message in subscriber.on(checks.TOPIC):
        ledger.note_message(message.json)
