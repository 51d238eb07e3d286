"""The demo's embedded broker delivers passages from the publisher to an independent client."""

from __future__ import annotations

from collections.abc import Callable

from edge_lpr.mqtt.embedded_broker import EmbeddedBroker
from edge_lpr.mqtt.publisher import PassagePublisher
from edge_lpr.passages import Passage
from tests.support import samples
from tests.support.mqtt import DEADLINE_S, Subscriber


def test_passage_through_the_embedded_broker(make_publisher: Callable[..., PassagePublisher], passage: Passage) -> None:
    with EmbeddedBroker() as broker:
        subscriber = Subscriber(broker.port, "edge-lpr/#", protocol="3.1.1")
        publisher = make_publisher(broker.port, protocol="3.1.1")
        subscriber.wait_payload("edge-lpr/gate-1/availability", b"online")
        publisher.publish_health(samples.HEALTH)
        for _ in range(20):
            publisher.publish_passage(passage)
        received = subscriber.wait_count("edge-lpr/gate-1/plate", 20)
        assert [message.json["Event"]["Sequence"] for message in received] == list(range(1, 21))
        assert publisher.wait_until_empty(DEADLINE_S)
        subscriber.wait_count("edge-lpr/gate-1/health", 1)
        publisher.stop()
        subscriber.wait_payload("edge-lpr/gate-1/availability", b"offline")
        subscriber.close()
