"""The test rig for faults between gate and broker: gate - relay - broker - subscriber."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.faults.gate_process import AVAILABILITY, BASE, HEALTH, PLATE, Gate, deliver, last_sequence
from tests.faults.relay import Faults, Relay
from tests.faults.tally import Tally, tally
from tests.support.mqtt import Mosquitto, Subscriber, free_port

USER, PASSWORD = "gate", "right-and-secret"


@dataclass
class Rig:
    """The parts of a running rig."""

    folder: Path
    broker: Mosquitto
    relay: Relay
    subscriber: Subscriber
    gate: Gate
    password_file: Path
    restarts: int = 0

    def restart_broker(self) -> None:
        """Kills and restarts the broker. The gate reconnects after the subscriber, so that it misses no passage."""
        self.relay.faults = Faults(refusing=True)
        self.broker.stop()
        self.relay.cut()
        self.gate.wait_for_passages(2)
        self.return_broker()

    def return_broker(self) -> None:
        """Starts the killed broker again."""
        self.relay.faults = Faults(refusing=True)
        self.broker.start()
        self.restarts += 1
        self.subscriber.wait_subscribed(1 + self.restarts)
        self.relay.heal()

    def wait_received(self, number: int) -> None:
        """Waits until the passage with that sequence number has arrived."""
        plates = (message for message in self.subscriber.on(PLATE))
        seen = {message.json["Event"]["Sequence"] for message in plates}
        if number not in seen:
            self.subscriber.wait(
                lambda all_: any(m.topic == PLATE and m.json["Event"]["Sequence"] == number for m in all_[-200:]), 120
            )

    def wait_stable(self) -> None:
        """Waits until the gate's health reports a stable connection."""
        since = len(self.subscriber.messages)
        self.subscriber.wait(
            lambda all_: any(m.topic == HEALTH and m.json["Broker"]["Failures"] == 0 for m in all_[since:]), 60
        )

    def wait_recovered(self, since: int) -> None:
        """Waits until availability, health and requests are back, in messages after the first ``since``."""
        self.subscriber.wait(lambda all_: any(_is_online(m.topic, m.payload) for m in all_[since:]), 60)
        self.subscriber.wait(lambda all_: any(_is_connected(m.topic, m.payload) for m in all_[since:]), 60)
        asked = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        asked.ResponseTopic = f"parking/answers/{since}"
        for _ in range(50):  # the gate may not have subscribed yet
            self.subscriber.client.publish(f"{BASE}/request/capture", b"", qos=1, properties=asked)
            try:
                self.subscriber.wait(lambda all_: any(m.topic == f"parking/answers/{since}" for m in all_), 1)
            except AssertionError:
                continue
            return
        raise AssertionError("the gate does not answer requests")

    def stop_and_count(self, first: int = 1) -> Tally:
        """Stops the gate, delivers the waiting passages, and counts."""
        code = self.gate.stop()
        assert code == 0, f"the gate stopped with exit code {code}"
        last = last_sequence(self.gate.state)
        self.deliver_waiting()
        self.wait_received(last)
        return tally(self.subscriber.on(PLATE), last, first=first)

    def deliver_waiting(self) -> None:
        """Sends the passages that wait on the disk of the stopped gate."""
        deliver(self.gate.state, self.broker.port, username=USER, password_file=self.folder / "right-password")


def _is_online(topic: str, payload: bytes) -> bool:
    return topic == AVAILABILITY and payload == b"online"


def _is_connected(topic: str, payload: bytes) -> bool:
    return topic == HEALTH and json.loads(payload)["Broker"]["State"] == "connected"


@contextmanager
def running_rig(*, persistence: bool = False, sections: Mapping[str, Any] | None = None, **mqtt: Any) -> Iterator[Rig]:
    """Starts a rig and waits for the gate's first passages.

    ``persistence`` is the setting of the broker, ``sections`` replace those of the gate's settings.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        accounts, password_file = folder / "accounts", folder / "password"
        command = ["mosquitto_passwd", "-b", "-c", str(accounts), USER, PASSWORD]
        subprocess.run(command, check=True, capture_output=True)
        for path in (password_file, folder / "right-password"):
            path.write_text(PASSWORD, encoding="ascii")
        lines = ["allow_anonymous false", f"password_file {accounts}"]
        if persistence:
            lines += ["persistence true", f"persistence_location {folder}/", "autosave_interval 1"]
        broker = Mosquitto(folder, tuple(lines)).start()
        try:
            with Relay(broker.port) as relay, _subscriber(broker.port) as subscriber:
                login = {"username": USER, "password_file": str(password_file)}
                gate = Gate(
                    folder,
                    relay.port,
                    {"api": {"enabled": True, "port": free_port()}, **(sections or {})},
                    **login,
                    **mqtt,
                )
                with gate:
                    parts = Rig(folder, broker, relay, subscriber, gate, password_file)
                    parts.wait_received(gate.wait_for_passages(2))
                    yield parts
        finally:
            broker.stop()


@contextmanager
def _subscriber(port: int) -> Iterator[Subscriber]:
    # With QoS 1 a killed broker loses messages that it has acknowledged to the gate: those that wait for the
    # subscriber's acknowledgement, and those that paho discards unread because it cannot acknowledge them. With QoS 0
    # all of them are in the subscriber's socket.
    subscriber = Subscriber(port, "#", qos=0, username=USER, password=PASSWORD)
    try:
        yield subscriber
    finally:
        subscriber.close()


Act = Callable[[Rig], None]
