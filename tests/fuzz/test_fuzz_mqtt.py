"""Messages that nobody would send on purpose, to the real program: each request is answered once, and properly."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.mqtt_cases import Asker, Request, requests
from tests.support.demo_gate import plate_photo, running_gate
from tests.support.mqtt import Mosquitto, Subscriber


def test_any_message_is_answered_properly_or_passed_over(mosquitto: Mosquitto) -> None:
    subscriber = Subscriber(mosquitto.port)
    asker = Asker(subscriber)

    @settings(
        max_examples=10, deadline=None, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(batch=st.lists(requests(plate_photo()), min_size=20, max_size=20))
    def ask(batch: list[Request]) -> None:
        asker.ask(batch)

    try:
        with running_gate(broker=mosquitto.port, queue=64) as gate:
            subscriber.wait_payload("edge-lpr/gate-1/availability", b"online")
            ask()
            assert gate.process.poll() is None
            assert "Traceback" not in gate.log
    finally:
        subscriber.close()
    assert asker.sent >= 150
