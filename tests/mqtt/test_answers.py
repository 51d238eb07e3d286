"""Answers to requests: where they may go, and how many may wait; and packets that are too large to be read."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from edge_lpr.backoff import BackOff
from edge_lpr.config import MqttSettings
from edge_lpr.mqtt.answers import MAX_WAITING, MAX_WAITING_BYTES, Answers, Delivery
from edge_lpr.mqtt.connection import MAX_REQUEST, MqttConnection
from edge_lpr.mqtt.session import MAX_ACKNOWLEDGEMENT
from edge_lpr.mqtt.topics import Topics
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber

TOPICS = Topics("site/edge-lpr", "gate-1")


@pytest.fixture
def connected(mosquitto: Mosquitto) -> Iterator[Answers]:
    connection = MqttConnection(MqttSettings(port=mosquitto.port), TOPICS, BackOff(0.05, 0.2), for_requests=True)
    answers = Answers(connection, TOPICS, ["parking/answers/#"])
    connection.start()
    assert connection.wait_for("connected", DEADLINE_S)
    yield answers
    connection.stop()


@pytest.mark.parametrize(
    ("topic", "is_allowed"),
    [
        ("site/edge-lpr/gate-1/response/kiosk", True),
        ("parking/answers/7", True),
        ("parking/answers", True),
        ("parking/answers/a/b/c", True),
        ("office/7", False),
        ("parking", False),
        ("one/7", True),
        ("one/7/8", False),
        ("homeassistant/device/x/config", False),
        *((f"site/edge-lpr/gate-1/{name}", False) for name in ("plate", "availability", "request/capture")),
        *(("site/edge-lpr/gate-2/response/x", False), ("site/edge-lpr", False), ("$SYS/x", False), ("", False)),
        *(("parking/answers/#", False), ("parking/answers/+", False), ("parking/answers/\x00", False)),
        *(("parking/answers/" + "a" * 256, False), ("parking/answers/" + "a/" * 32, False)),
    ],
)
def test_an_answer_goes_only_where_the_settings_allow(topic: str, is_allowed: bool) -> None:
    connection = MqttConnection(MqttSettings(), TOPICS, for_requests=True)
    assert Answers(connection, TOPICS, ["parking/answers/#", "one/+"]).may_go_to(topic) == is_allowed
    everywhere = Answers(connection, TOPICS, ["#"])
    assert not everywhere.may_go_to("site/edge-lpr/gate-1/plate"), "no filter allows the gates' own topics"


@pytest.mark.parametrize(("size", "at_most"), [(10, MAX_WAITING), (1_000_000, MAX_WAITING_BYTES // 1_000_000 + 1)])
def test_answers_that_wait_for_the_network_are_bounded(
    mosquitto: Mosquitto, connected: Answers, subscribe: Callable[..., Subscriber], size: int, at_most: int
) -> None:
    subscriber = subscribe(mosquitto.port, "parking/answers/#")
    mosquitto.send_signal(signal.SIGSTOP)
    try:
        sent = 0
        while connected.publish("parking/answers/1", bytes(size), None) is Delivery.SENT:
            sent += 1
            assert sent <= at_most
    finally:
        mosquitto.send_signal(signal.SIGCONT)
    subscriber.wait_count("parking/answers/1", sent)
    for _ in range(1000):
        delivery = connected.publish("parking/answers/2", b"{}", None)
        if delivery is Delivery.SENT:
            break
        threading.Event().wait(0.01)
    assert delivery is Delivery.SENT, "acknowledged answers make room"


def test_without_a_connection_an_answer_is_dropped() -> None:
    connection = MqttConnection(MqttSettings(), TOPICS, for_requests=True)
    assert Answers(connection, TOPICS, []).publish("x", b"{}", None) is Delivery.OFFLINE


def encoded_length(size: int) -> bytes:
    """Returns the remaining length of a packet (MQTT 3.1.1, section 2.2.3)."""
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(digits)


@pytest.mark.parametrize(("for_requests", "limit"), [(False, MAX_ACKNOWLEDGEMENT), (True, MAX_REQUEST)])
def test_a_packet_that_is_too_large_is_not_read(
    caplog: pytest.LogCaptureFixture, for_requests: bool, limit: int
) -> None:
    """The test stands for a broker that knows no limits; MQTT 3.1.1 has none."""
    listener = socket.create_server(("127.0.0.1", 0))
    received: list[int] = []

    def serve() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(1000)
            client.sendall(b"\x20\x02\x00\x00" + b"\x30" + encoded_length(limit + 1))  # CONNACK, begin of a PUBLISH
            try:
                for sent in range(0, limit + 1, 65536):
                    client.sendall(bytes(65536))
                    received.append(sent)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    settings = MqttSettings(port=listener.getsockname()[1], protocol="3.1.1")
    connection = MqttConnection(settings, TOPICS, BackOff(30, 60), for_requests=for_requests)
    connection.start()
    assert connection.wait_for("lost", DEADLINE_S)
    connection.stop()
    thread.join()
    listener.close()
    assert f"a packet of {limit + 1} bytes; {limit} are accepted" in caplog.text
    assert not [record for record in caplog.records if record.exc_info and record.levelno >= logging.ERROR]
