"""Generated messages to the real program: each request gets exactly one valid answer."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.mqtt_cases import Request, Requester, requests
from tests.support.demo_gate import plate_photo, running_gate
from tests.support.mqtt import Mosquitto, Subscriber


def test_any_request_gets_one_valid_answer(mosquitto: Mosquitto) -> None:
    subscriber = Subscriber(mosquitto.port)
    requester = Requester(subscriber)

    @settings(
        max_examples=10, deadline=None, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(batch=st.lists(requests(plate_photo()), min_size=20, max_size=20))
    def send(batch: list[Request]) -> None:
        requester.send(batch)

    try:
        with running_gate(broker=mosquitto.port, queue=64) as gate:
            subscriber.wait_payload("edge-lpr/gate-1/availability", b"online")
            requester.wait_ready()
            send()
            assert gate.process.poll() is None
            assert "Traceback" not in gate.log
    finally:
        subscriber.close()
    assert requester.sent >= 150
