"""A real mosquitto on a free loopback port, and a subscriber that waits for messages without polling."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.support.needs import absent

DEADLINE_S = 10.0
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


def free_port() -> int:
    """Returns a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Mosquitto:
    """One broker without persistence; ``stop`` and ``start`` restart it on the same port."""

    def __init__(self, folder: Path, lines: tuple[str, ...] = ("allow_anonymous true",)) -> None:
        self.port = free_port()
        self._config = folder / f"mosquitto-{self.port}.conf"
        self._log = folder / f"mosquitto-{self.port}.log"
        head = (f"listener {self.port} 127.0.0.1", "persistence false", "user root", "log_type all")
        self._config.write_text("\n".join((*head, *lines)) + "\n", encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        """Starts the broker and waits until it accepts connections."""
        program = shutil.which("mosquitto", path=_PATH)
        assert program is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program, "-c", str(self._config)], stdout=log, stderr=log)
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            assert self._process.poll() is None, self.log
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            threading.Event().wait(0.01)
        raise AssertionError(f"mosquitto did not start: {self.log}")

    def stop(self) -> None:
        """Kills the broker at once, as a power cut does, without notice to its clients."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def send_signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process: SIGSTOP makes the broker stand still, SIGCONT go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def reload(self) -> None:
        """Makes the broker read its password and rights files again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def log(self) -> str:
        """The output of the broker."""
        return self._log.read_text(encoding="utf-8", errors="replace")


@dataclass(frozen=True)
class Received:
    """One received message."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    properties: dict[str, Any]
    """MQTT 5 properties, by the names in paho's JSON."""

    @property
    def json(self) -> Any:
        """The payload as JSON."""
        return json.loads(self.payload)


class Subscriber:
    """An independent MQTT client that collects the messages, and reconnects after a restart of the broker."""

    def __init__(self, port: int, topic_filter: str = "#", *, protocol: str = "5", qos: int = 1, **login: str) -> None:
        self.messages: list[Received] = []
        self._changed = threading.Condition()
        self._subscribed = 0
        self._is_mqtt_5 = protocol == "5"
        version = MQTTProtocolVersion.MQTTv5 if self._is_mqtt_5 else MQTTProtocolVersion.MQTTv311
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=version)
        if login:
            self.client.username_pw_set(**login)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe(topic_filter, qos=qos)
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.wait_subscribed(1)

    def _on_subscribe(self, *_: object) -> None:
        with self._changed:
            self._subscribed += 1
            self._changed.notify_all()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        properties = {} if message.properties is None else message.properties.json()  # type: ignore[no-untyped-call]
        with self._changed:
            received = Received(message.topic, bytes(message.payload), message.qos, message.retain, properties)
            self.messages.append(received)
            self._changed.notify_all()

    def wait_subscribed(self, times: int) -> None:
        """Waits until the broker has confirmed that many subscriptions: one more after every restart."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._subscribed >= times, DEADLINE_S), "never subscribed"

    def wait(self, enough: Callable[[list[Received]], bool], timeout_s: float = DEADLINE_S) -> list[Received]:
        """Waits until ``enough`` is true for the messages so far. Fails the test after ``timeout_s``."""
        with self._changed:
            assert self._changed.wait_for(lambda: enough(self.messages), timeout_s), (
                f"not received in time; the last were {[(m.topic, m.payload[:80]) for m in self.messages[-40:]]}"
            )
            return list(self.messages)

    def forget(self, count: int) -> None:
        """Drops the oldest messages to free memory."""
        with self._changed:
            del self.messages[:count]

    def on(self, topic: str) -> list[Received]:
        """Returns the messages of one topic so far."""
        with self._changed:
            return [message for message in self.messages if message.topic == topic]

    def wait_payload(self, topic: str, payload: bytes, times: int = 1) -> None:
        """Waits until ``payload`` has arrived on ``topic`` that many times."""
        self.wait(lambda all_: sum(m.topic == topic and m.payload == payload for m in all_) >= times)

    def wait_count(self, topic: str, count: int) -> list[Received]:
        """Waits until ``count`` messages have arrived on ``topic``; returns them."""
        self.wait(lambda all_: sum(m.topic == topic for m in all_) >= count)
        return self.on(topic)

    def close(self) -> None:
        """Disconnects."""
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture(scope="session")
def mosquitto_program() -> str:
    """The path of mosquitto. Without it the MQTT tests are skipped; in CI they fail."""
    program = shutil.which("mosquitto", path=_PATH)
    if program is None:
        absent("mosquitto (apt install mosquitto)")
    return program


@pytest.fixture
def start_mosquitto(mosquitto_program: str, tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Starts a broker with the given configuration lines; it is stopped after the test."""
    with ExitStack() as cleanup:

        def start(*lines: str) -> Mosquitto:
            broker = Mosquitto(tmp_path, lines or ("allow_anonymous true",))
            cleanup.callback(broker.stop)
            return broker.start()

        yield start


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A running broker that accepts every client."""
    return start_mosquitto()


@pytest.fixture
def subscribe() -> Iterator[Callable[..., Subscriber]]:
    """Creates a Subscriber(port, filter, …); it is closed after the test."""
    with ExitStack() as cleanup:

        def make(port: int, topic_filter: str = "#", **options: Any) -> Subscriber:
            subscriber = Subscriber(port, topic_filter, **options)
            cleanup.callback(subscriber.close)
            return subscriber

        yield make
