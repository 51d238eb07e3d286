"""Generated messages to the request topics of a gate, and the checks for its answers."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_lpr.api.body_memory import MAX_BODY
from edge_lpr.api.errors import ErrorCode
from edge_lpr.messages.schemas import load_schema
from tests.fuzz import api_cases as fuzzing
from tests.support.mqtt import Received, Subscriber

BASE = "edge-lpr/gate-1"
ACTIONS = ("license-plate-ocr", "capture", "reload")
DEADLINE_S = 120.0

_ANSWER, _ERROR = (Draft202012Validator(load_schema(name)) for name in ("response", "error"))
# A broker ends the connection of a client that sends other characters, so they never reach a gate.
_CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn"])


@dataclass(frozen=True)
class Request:
    """One message to the gate; the keys of ``properties`` are paho's names."""

    action: str
    payload: bytes
    retain: bool
    properties: dict[str, Any]

    @property
    def answers(self) -> int:
        """The number of answers that the gate must give, including errors.

        A broker also delivers a retained message to present subscribers, and the empty message that deletes it.
        """
        return (1 + self.retain) if self.action in ACTIONS else 0


def requests(plate_photo: bytes) -> st.SearchStrategy[Request]:
    """Any message; most are for existing actions."""
    api_bodies = fuzzing.raw(plate_photo).map(lambda request: bytes(request["content"]))
    pictures = fuzzing.pictures(plate_photo).map(lambda request: json.dumps(request["json"]).encode())
    captures = st.sampled_from([b"", b"{}", b'{"WithImage":true}', b'{"WithImage":1}', b"[", b"\xff", b"null"])
    numbers = st.text("0123456789eE+-.", min_size=1, max_size=400).map(str.encode)
    deep = st.integers(1, 20_000).map(lambda depth: b"[" * depth)
    large = st.sampled_from([MAX_BODY, MAX_BODY + 1]).map(lambda size: b"x" * size)
    rare = st.integers(0, 500).flatmap(lambda number: large if number == 500 else deep)
    odd = st.one_of(
        st.text(_CHARACTERS, max_size=300),
        st.sampled_from(["", "#", "+", "$SYS/x", "answers/1", f"{BASE}/plate", f"{BASE}/response/x", "a/" * 150]),
    )
    # Most response topics are valid, so that most requests are processed.
    topics = st.integers(0, 5).flatmap(lambda number: st.just(f"parking/answers/{number}") if number else odd)
    properties = st.fixed_dictionaries(
        {},
        optional={
            "ResponseTopic": topics,
            "CorrelationData": st.binary(max_size=200),
            "ContentType": st.text(_CHARACTERS, max_size=40),
            "MessageExpiryInterval": st.integers(1, 2**32 - 1),
        },
    )
    noise = st.one_of(api_bodies, captures, st.binary(max_size=300), numbers, rare)
    return st.builds(
        Request,
        action=fuzzing.mostly(ACTIONS[0], ACTIONS[1], ACTIONS[1], ACTIONS[2], "x/y"),
        payload=st.integers(0, 3).flatmap(
            lambda number: pictures if number == 0 else captures if number == 1 else noise
        ),
        retain=st.integers(0, 30).map(lambda number: number == 30),
        properties=properties,
    )


class Requester:
    """Sends requests and checks that each gets one answer. ``codes`` counts the answers by ``Error.Code``."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.sent = 0
        self.codes: Counter[str] = Counter()
        self._expected = 0

    def wait_ready(self) -> None:
        """Waits until the gate answers requests: its server process subscribes after the gate itself is online."""
        while not _answers(self._subscriber.messages):
            self._subscriber.client.publish(f"{BASE}/request/capture", b"", 1)
            with suppress(AssertionError):
                self._subscriber.wait(lambda all_: bool(_answers(all_)), 1.0)
        self._subscriber.client.publish(f"{BASE}/request/capture", b"last", 1)  # its answer comes after the others'
        answered = self._subscriber.wait(lambda all_: _code(_answers(all_)[-1]) == "InvalidParameter", DEADLINE_S)
        self._subscriber.forget(len(answered))

    def send(self, batch: list[Request]) -> None:
        """Sends the requests, waits for all answers, and validates them."""
        for request in batch:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            for name, value in request.properties.items():
                setattr(properties, name, value)
            topic = f"{BASE}/request/{request.action}"
            self._subscriber.client.publish(topic, request.payload, 1, request.retain, properties)
            self.sent += 1
            if request.retain:  # so that a restarted gate does not receive it
                self._subscriber.client.publish(topic, b"", 1, True)
        expected = sum(request.answers for request in batch)
        answers = self._subscriber.wait(lambda all_: len(_answers(all_)) >= expected, DEADLINE_S)
        found = _answers(answers)
        assert len(found) == expected, f"{len(found)} answers to {expected} requests"
        for answer in found:
            self.codes[_code(answer)] += 1
        self._subscriber.forget(len(answers))


def _answers(messages: list[Received]) -> list[Received]:
    """Returns the answers, without the requests and the gate's passages and health."""
    return [
        message
        for message in messages
        if not message.topic.startswith((f"{BASE}/request/", f"{BASE}/plate", f"{BASE}/health"))
        and b'"RequestId"' in message.payload
    ]


def _code(answer: Received) -> str:
    content = {"Response": answer.json["Response"]}
    if "Applied" in content["Response"]:
        assert content["Response"].keys() == {"Applied", "NeedRestart", "RequestId"}, content
        return "Reloaded"
    if "Error" not in content["Response"]:
        _ANSWER.validate(content)
        return "Success"
    _ERROR.validate(content)
    code = ErrorCode(content["Response"]["Error"]["Code"])
    assert code is not ErrorCode.INTERNAL_ERROR, content
    return str(code)
