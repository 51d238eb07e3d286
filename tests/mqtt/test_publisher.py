"""Passages arrive at a real broker: in order, without loss, valid by the published schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from edge_lpr.config import OutboxSettings
from edge_lpr.messages.schemas import load_schema
from edge_lpr.mqtt.outbox import Outbox
from edge_lpr.mqtt.passage_row import StoredPassage
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.passages import Passage
from tests.support import samples
from tests.support.mqtt import DEADLINE_S, Mosquitto, Subscriber, free_port

PLATE = "edge-lpr/gate-1/plate"
HEALTH = "edge-lpr/gate-1/health"

MakePublisher = Callable[..., PassagePublisher]
Subscribe = Callable[..., Subscriber]


def events(subscriber: Subscriber) -> list[dict[str, Any]]:
    return [message.json["Event"] for message in subscriber.on(PLATE)]


def test_a_passage_arrives_with_its_documented_properties(
    mosquitto: Mosquitto, make_publisher: MakePublisher, subscribe: Subscribe, passage: Passage
) -> None:
    subscriber = subscribe(mosquitto.port)
    publisher = make_publisher(mosquitto.port, message_expiry_s=600)
    assert publisher.connection.wait_for("connected", DEADLINE_S)
    stored = publisher.publish_passage(passage)
    (message,) = subscriber.wait_count(PLATE, 1)
    Draft202012Validator(load_schema("plate")).validate(message.json)
    assert message.json["Response"]["Number"] == "京AF0236"
    assert message.json["Response"]["RequestId"] == stored.request_id
    assert message.json["Event"]["Sequence"] == 1
    assert message.json["Event"]["Replayed"] is False
    assert (message.qos, message.retain) == (1, False)
    assert message.properties["ContentType"] == "application/json"
    assert message.properties["PayloadFormatIndicator"] == 1
    assert message.properties["MessageExpiryInterval"] <= 600
    assert publisher.wait_until_empty(DEADLINE_S)


def test_plates_are_never_retained_and_health_is(
    mosquitto: Mosquitto, make_publisher: MakePublisher, subscribe: Subscribe, passage: Passage
) -> None:
    publisher = make_publisher(mosquitto.port)
    publisher.publish_health(samples.HEALTH)
    publisher.publish_passage(passage)
    assert publisher.wait_until_empty(DEADLINE_S)
    late = subscribe(mosquitto.port)
    late.wait_count(HEALTH, 1)
    late.wait_payload("edge-lpr/gate-1/availability", b"online")
    assert {message.topic for message in late.messages if message.retain} == {HEALTH, "edge-lpr/gate-1/availability"}
    assert late.on(PLATE) == []
    assert late.on(HEALTH)[0].payload == samples.HEALTH.encode()


def test_nothing_is_lost_while_the_broker_is_away(
    start_mosquitto: Callable[..., Mosquitto],
    account: Callable[[str, str], Path],
    make_publisher: MakePublisher,
    subscribe: Subscribe,
    passage: Passage,
    tmp_path: Path,
) -> None:
    broker = start_mosquitto("allow_anonymous false", f"password_file {account('gate', 'right')}")
    password_file = tmp_path / "password"
    password_file.write_text("right")
    publisher = make_publisher(broker.port, username="gate", password_file=password_file)
    subscriber = subscribe(broker.port, username="gate", password="right")
    assert publisher.connection.wait_for("connected", DEADLINE_S)
    live = [publisher.publish_passage(passage) for _ in range(3)]
    subscriber.wait_count(PLATE, 3)
    assert publisher.wait_until_empty(DEADLINE_S)

    broker.stop()
    assert publisher.connection.wait_for("unreachable", DEADLINE_S)
    away = [publisher.publish_passage(passage) for _ in range(30)]
    assert publisher.status.outbox.waiting == 30

    # The subscriber lost its connection too and must be back first. Until then the gate has a wrong password.
    password_file.write_text("wrong")
    broker.start()
    subscriber.wait_subscribed(2)
    password_file.write_text("right")
    subscriber.wait_count(PLATE, 33)
    assert publisher.wait_until_empty(DEADLINE_S)
    late = publisher.publish_passage(passage)
    received = subscriber.wait_count(PLATE, 34)
    assert [m.json["Event"]["Sequence"] for m in received] == list(range(1, 35))
    assert [m.json["Response"]["RequestId"] for m in received] == [s.request_id for s in (*live, *away, late)]
    assert [m.json["Event"]["Replayed"] for m in received] == [False] * 3 + [True] * 30 + [False]
    assert publisher.connection.status.connects == 2


def test_passages_from_before_the_broker_started_arrive_in_order(
    start_mosquitto: Callable[..., Mosquitto], make_publisher: MakePublisher, subscribe: Subscribe, passage: Passage
) -> None:
    broker = start_mosquitto()
    broker.stop()
    publisher = make_publisher(broker.port)
    assert publisher.connection.wait_for("unreachable", DEADLINE_S)
    stored = [publisher.publish_passage(passage) for _ in range(40)]
    publisher.stop()

    broker.start()
    subscriber = subscribe(broker.port)
    resumed = make_publisher(broker.port)
    received = subscriber.wait_count(PLATE, 40)
    assert resumed.wait_until_empty(DEADLINE_S)
    assert [m.json["Event"]["Sequence"] for m in received] == list(range(1, 41))
    assert [m.json["Response"]["RequestId"] for m in received] == [passage_.request_id for passage_ in stored]
    assert all(m.json["Event"]["Replayed"] for m in received)
    validator = Draft202012Validator(load_schema("plate"))
    for message in received:
        validator.validate(message.json)

    assert resumed.connection.wait_for("connected", DEADLINE_S)
    assert resumed.publish_passage(passage).sequence == 41
    subscriber.wait_count(PLATE, 41)
    assert events(subscriber)[-1]["Replayed"] is False


def test_a_broker_that_refuses_passages_loses_none(
    start_mosquitto: Callable[..., Mosquitto],
    make_publisher: MakePublisher,
    subscribe: Subscribe,
    passage: Passage,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic read #\ntopic write edge-lpr/gate-1/availability\n")
    broker = start_mosquitto("allow_anonymous true", f"acl_file {rights}")
    subscriber = subscribe(broker.port)
    publisher = make_publisher(broker.port)
    assert publisher.connection.wait_for("connected", DEADLINE_S)
    for _ in range(12):
        publisher.publish_passage(passage)
    for _ in range(100):
        if publisher.status.refusal is not None:
            break
        publisher.wait_until_empty(0.1)
    assert publisher.status.refusal == "Not authorized"
    assert publisher.status.outbox.waiting == 12

    rights.write_text("topic readwrite #\n")
    broker.reload()
    subscriber.wait_count(PLATE, 12)
    assert publisher.wait_until_empty(DEADLINE_S)
    publisher.publish_passage(passage)
    subscriber.wait_count(PLATE, 13)
    assert publisher.status.refusal is None
    numbers = [event["Sequence"] for event in events(subscriber)]
    assert sorted(set(numbers)) == list(range(1, 14))
    assert len([record for record in caplog.records if "refuses passages" in record.message]) == 1


def test_publish_does_not_wait_for_an_absent_broker(make_publisher: MakePublisher, passage: Passage) -> None:
    publisher = make_publisher(free_port())
    for _ in range(10):
        publisher.publish_passage(passage)
    assert not publisher.wait_until_empty(0.05)
    status = publisher.status
    assert status.outbox.waiting == 10
    assert status.outbox.durable
    assert status.outbox.last_sequence == 10


def test_a_corrupted_passage_does_not_block_the_others(
    mosquitto: Mosquitto, make_publisher: MakePublisher, subscribe: Subscribe, passage: Passage, tmp_path: Path
) -> None:
    outbox = Outbox(tmp_path / "state", OutboxSettings())
    outbox.open()
    for corrupted in ("noise", "[]", "{}"):
        outbox.add(partial(StoredPassage, request_id="id", message=corrupted))
    outbox.close()
    subscriber = subscribe(mosquitto.port)
    publisher = make_publisher(mosquitto.port)
    publisher.publish_passage(passage)
    (message,) = subscriber.wait_count(PLATE, 1)
    assert message.json["Event"]["Sequence"] == 4
    assert publisher.wait_until_empty(DEADLINE_S)
