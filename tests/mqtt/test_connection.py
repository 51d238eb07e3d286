"""The connection with a real broker: availability, secrets, TLS, protocol versions, faults and recovery from them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from paho.mqtt.client import MQTTMessage

from edge_lpr.backoff import BackOff
from edge_lpr.config import MqttSettings, TlsSettings
from edge_lpr.errors import ConfigError
from edge_lpr.mqtt.connection import MqttConnection, probe
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.mqtt.session import MqttSession
from edge_lpr.mqtt.topics import Topics
from edge_lpr.passages import Passage
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber

AVAILABILITY = "edge-lpr/gate-1/availability"
PLATE = "edge-lpr/gate-1/plate"
REPO_ROOT = Path(__file__).parents[2]

MakePublisher = Callable[..., PassagePublisher]
StartMosquitto = Callable[..., Mosquitto]
Subscribe = Callable[..., Subscriber]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_connect_publish_and_stop(
    protocol: str, mosquitto: Mosquitto, make_publisher: MakePublisher, subscribe: Subscribe, passage: Passage
) -> None:
    subscriber = subscribe(mosquitto.port, protocol=protocol)
    publisher = make_publisher(mosquitto.port, protocol=protocol)
    subscriber.wait_payload(AVAILABILITY, b"online")
    publisher.publish_passage(passage)
    assert publisher.wait_until_empty(DEADLINE_S)
    subscriber.wait_count(PLATE, 1)
    publisher.stop()
    subscriber.wait_payload(AVAILABILITY, b"offline")
    assert [m.payload for m in subscriber.on(AVAILABILITY)] == [b"online", b"offline"]
    assert publisher.connection.status.state == "stopped"
    late = subscribe(mosquitto.port, AVAILABILITY)
    late.wait_payload(AVAILABILITY, b"offline")
    assert late.messages[0].retain


def test_a_killed_process_is_offline(mosquitto: Mosquitto, subscribe: Subscribe, tmp_path: Path) -> None:
    program = f"""
import threading
from pathlib import Path
from edge_lpr.config import DeviceSettings, MqttSettings
from edge_lpr.mqtt.publisher import PassagePublisher
device = DeviceSettings(id="gate-1", state_dir=Path({str(tmp_path / "state")!r}))
PassagePublisher(MqttSettings(port={mosquitto.port}), device).start()
threading.Event().wait(60)
"""
    subscriber = subscribe(mosquitto.port, AVAILABILITY)
    with subprocess.Popen([sys.executable, "-c", program], cwd=REPO_ROOT) as process:
        subscriber.wait_payload(AVAILABILITY, b"online")
        os.kill(process.pid, signal.SIGKILL)
        subscriber.wait_payload(AVAILABILITY, b"offline")
    late = subscribe(mosquitto.port, AVAILABILITY)
    late.wait_payload(AVAILABILITY, b"offline")
    assert late.messages[0].retain


def test_availability_is_published_again_after_a_broker_restart(
    mosquitto: Mosquitto, make_publisher: MakePublisher, subscribe: Subscribe, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "edge_lpr.mqtt")
    publisher = make_publisher(mosquitto.port)
    for connects in (1, 2, 3):
        assert publisher.connection.wait_for("connected", DEADLINE_S)
        subscribe(mosquitto.port, AVAILABILITY).wait_payload(AVAILABILITY, b"online")
        assert publisher.connection.status.connects == connects
        if connects < 3:
            mosquitto.stop()
            assert publisher.connection.wait_for("unreachable", DEADLINE_S)
            mosquitto.start()
    lines = [record.message for record in caplog.records if record.name == "edge_lpr.mqtt.connection"]
    assert len([line for line in lines if "connected to" in line]) == 3
    assert len([line for line in lines if " unreachable: " in line]) == 2


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_is_logged_once_and_a_corrected_one_is_used(
    protocol: str,
    start_mosquitto: StartMosquitto,
    make_publisher: MakePublisher,
    subscribe: Subscribe,
    passage: Passage,
    account: Callable[[str, str], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = start_mosquitto("allow_anonymous false", f"password_file {account('gate', 'right')}")
    password_file = tmp_path / "password"
    password_file.write_text("wrong\n")
    publisher = make_publisher(broker.port, username="gate", password_file=password_file, protocol=protocol)
    publisher.publish_passage(passage)
    assert publisher.connection.wait_for("refused", DEADLINE_S)
    first = publisher.connection.status
    assert first.reason is not None
    assert "uthor" in first.reason or "password" in first.reason
    for _ in range(100):
        if publisher.connection.status.failures >= 4:
            break
        publisher.wait_until_empty(0.1)
    assert publisher.connection.status.failures >= 4
    assert len([record for record in caplog.records if "refuses us" in record.message]) == 1
    assert "wrong" not in caplog.text

    subscriber = subscribe(broker.port, username="gate", password="right")
    password_file.write_text("right\n")
    subscriber.wait_count(PLATE, 1)
    assert publisher.connection.status.state == "connected"


def test_missing_password_file_is_one_clear_line(make_publisher: MakePublisher, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.password_file: cannot read .*absent") as caught:
        make_publisher(1, username="gate", password_file=tmp_path / "absent")
    assert "\n" not in str(caught.value)


@pytest.fixture
def tls_broker(certificates: Path, start_mosquitto: StartMosquitto) -> Mosquitto:
    """A broker with a certificate that requires a client certificate."""
    return start_mosquitto(
        f"cafile {certificates / 'ca.pem'}",
        f"certfile {certificates / 'server.pem'}",
        f"keyfile {certificates / 'server.key'}",
        "require_certificate true",
        "allow_anonymous true",
    )


def test_tls_with_client_certificate(
    certificates: Path, tls_broker: Mosquitto, make_publisher: MakePublisher, passage: Passage
) -> None:
    certificate, key = certificates / "client.pem", certificates / "client.key"
    publisher = make_publisher(
        tls_broker.port, tls=TlsSettings(ca_file=certificates / "ca.pem", cert_file=certificate, key_file=key)
    )
    publisher.publish_passage(passage)
    assert publisher.wait_until_empty(DEADLINE_S)
    publisher.stop()
    insecure = make_publisher(tls_broker.port, tls=TlsSettings(insecure=True, cert_file=certificate, key_file=key))
    assert insecure.connection.wait_for("connected", DEADLINE_S)


def test_certificate_of_another_authority_is_not_accepted(
    certificates: Path, tls_broker: Mosquitto, make_publisher: MakePublisher
) -> None:
    publisher = make_publisher(tls_broker.port, tls=TlsSettings(ca_file=certificates / "other.pem"))
    assert publisher.connection.wait_for("unreachable", DEADLINE_S)
    assert "certificate" in (publisher.connection.status.reason or "")


def test_without_its_client_certificate_it_does_not_connect(
    certificates: Path, tls_broker: Mosquitto, make_publisher: MakePublisher
) -> None:
    publisher = make_publisher(tls_broker.port, tls=TlsSettings(ca_file=certificates / "ca.pem"))
    assert publisher.connection.wait_for("unreachable", DEADLINE_S)
    assert publisher.connection.status.connects == 0


@pytest.mark.parametrize("name", ["ca_file", "cert_file"])
def test_unusable_tls_file_is_one_clear_line(name: str, make_publisher: MakePublisher, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    tls = TlsSettings(ca_file=bad) if name == "ca_file" else TlsSettings(cert_file=bad, key_file=bad)
    with pytest.raises(ConfigError, match=rf"mqtt\.tls\.{name}: cannot use .*bad\.pem") as caught:
        make_publisher(1, tls=tls)
    assert "\n" not in str(caught.value)


def test_an_unknown_host_is_reported(make_publisher: MakePublisher) -> None:
    publisher = make_publisher(1883, host="broker.invalid")
    assert publisher.connection.wait_for("unreachable", DEADLINE_S)
    assert "host name not found" in (publisher.connection.status.reason or "")


def test_second_client_with_the_same_id_is_suspected(
    mosquitto: Mosquitto, make_publisher: MakePublisher, caplog: pytest.LogCaptureFixture
) -> None:
    make_publisher(mosquitto.port)
    other = MqttConnection(MqttSettings(port=mosquitto.port), Topics("edge-lpr", "gate-1"), BackOff(0.05, 0.2))
    other.start()
    try:
        for _ in range(100):
            if "is there another client with the id edge-lpr-gate-1?" in caplog.text:
                break
            other.wait_for("stopped", 0.1)
        else:
            pytest.fail(caplog.text)
    finally:
        other.stop()


def test_a_silent_broker_does_not_delay_stop(make_publisher: MakePublisher) -> None:
    """The peer accepts the TCP connection and never sends anything."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publisher = make_publisher(silent.getsockname()[1])
        peer, _ = silent.accept()
        with peer:
            publisher.stop()
            assert publisher.connection.status.connects == 0


def test_subscriptions_are_made_again_after_a_restart(mosquitto: Mosquitto, subscribe: Subscribe) -> None:
    topics = Topics("edge-lpr", "gate-1")
    connection = MqttConnection(MqttSettings(port=mosquitto.port), topics, BackOff(0.05, 0.2))
    received: list[bytes | bytearray] = []
    arrived = threading.Event()

    def handle(message: MQTTMessage) -> None:
        received.append(message.payload)
        arrived.set()

    connection.subscribe(topics.request("capture"), handle)
    connection.start()
    try:
        for payload in (b"first", b"second"):
            assert connection.wait_for("connected", DEADLINE_S)
            arrived.clear()
            sender = subscribe(mosquitto.port, "nothing")
            for _ in range(100):  # the gate may not have subscribed yet
                sender.client.publish("edge-lpr/gate-1/request/capture", payload, qos=1)
                if arrived.wait(0.1):
                    break
            assert received[-1] == payload
            if payload == b"first":
                mosquitto.stop()
                assert connection.wait_for("unreachable", DEADLINE_S)
                mosquitto.start()
    finally:
        connection.stop()


def test_an_ended_session_publishes_nothing(mosquitto: Mosquitto) -> None:
    session = MqttSession(MqttSettings(port=mosquitto.port), "one", "will", {}, lambda *_: None)
    session.open()
    assert session.accepted
    session.close(None, timeout_s=2)
    assert session.has_ended
    assert session.publish("topic", b"x", qos=1, retain=False, json=True) is None


def test_probe_leaves_no_trace(mosquitto: Mosquitto, make_publisher: MakePublisher, subscribe: Subscribe) -> None:
    subscriber = subscribe(mosquitto.port)
    publisher = make_publisher(mosquitto.port)
    subscriber.wait_payload(AVAILABILITY, b"online")
    settings = MqttSettings(port=mosquitto.port)
    assert probe(settings, "edge-lpr-check").state == "connected"
    mosquitto.stop()
    refused = probe(settings, "edge-lpr-check")
    assert (refused.state, refused.reason) == ("unreachable", "connection refused")
    assert [message.payload for message in subscriber.messages] == [b"online"]
    assert publisher.connection.status.connects == 1
