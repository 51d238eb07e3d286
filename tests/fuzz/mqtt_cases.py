"""Messages that nobody would send on purpose to a gate's request topics, and what must hold of its answers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge_lpr.api.errors import ErrorCode
from edge_lpr.api.request_body import MAX_BODY
from edge_lpr.messages.schemas import load_schema
from tests.fuzz import api_cases as fuzzing
from tests.support.mqtt import Received, Subscriber

BASE = "edge-lpr/gate-1"
ACTIONS = ("license-plate-ocr", "capture", "reload")
DEADLINE_S = 120.0

_ANSWER, _ERROR = (Draft202012Validator(load_schema(name)) for name in ("response", "error"))
# Brokers end the connection of a client that sends other characters; they never reach a gate.
_CHARACTERS = st.characters(exclude_categories=["Cc", "Cs", "Cn"])


@dataclass(frozen=True)
class Request:
    """One message to the gate; ``properties`` by paho's names."""

    action: str
    payload: bytes
    retain: bool
    properties: dict[str, Any]

    @property
    def answers(self) -> int:
        """How many the gate has to give, if only errors. A broker hands a retained message to those who are there like
        any other, and the empty one that clears it too."""
        return (1 + self.retain) if self.action in ACTIONS else 0


def requests(plate_photo: bytes) -> st.SearchStrategy[Request]:
    """Any message; most go to actions that there are."""
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
    # Most lead somewhere, or few requests would come as far as being read.
    topics = st.integers(0, 5).flatmap(lambda number: st.just(f"answers/{number}") if number else odd)
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


class Asker:
    """Sends requests and sees to it that each gets its one answer. ``codes`` counts them by ``Error.Code``."""

    def __init__(self, subscriber: Subscriber) -> None:
        self._subscriber = subscriber
        self.sent = 0
        self.codes: Counter[str] = Counter()
        self._expected = 0

    def ask(self, batch: list[Request]) -> None:
        """Send them, and wait for all answers, which must be proper ones."""
        for request in batch:
            asked = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            for name, value in request.properties.items():
                setattr(asked, name, value)
            topic = f"{BASE}/request/{request.action}"
            self._subscriber.client.publish(topic, request.payload, 1, request.retain, asked)
            self.sent += 1
            if request.retain:  # not to be met by a gate that comes back
                self._subscriber.client.publish(topic, b"", 1, True)
        expected = sum(request.answers for request in batch)
        answers = self._subscriber.wait(lambda all_: len(_answers(all_)) >= expected, DEADLINE_S)
        found = _answers(answers)
        assert len(found) == expected, f"{len(found)} answers to {expected} requests"
        for answer in found:
            self.codes[_code(answer)] += 1
        self._subscriber.forget(len(answers))


def _answers(messages: list[Received]) -> list[Received]:
    """Those that are not our own requests, nor the gate's passages and health."""
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
