"""The models give the messages that the contract with subscribers promises."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from edge_lpr.geometry import Quad, Rect
from edge_lpr.messages.answer import error_code, plate_answer
from edge_lpr.messages.encoding import encode, timestamp
from edge_lpr.messages.event import PlateMessage, plate_message, with_transmission
from edge_lpr.messages.schemas import SCHEMA_NAMES, load_schema
from edge_lpr.passages import Crossing, Direction, ListMatch, Passage
from edge_lpr.plates import ALPHABET, COLORS, Category, Color
from edge_lpr.readings import PlateReading

REQUEST_ID = "5141467c-0a67-4f7c-b1c5-8147d84681a1"
CHINA = timezone(timedelta(hours=8))


def reading(number: str, confidence: int) -> PlateReading:
    return PlateReading(
        number=number,
        confidence=confidence,
        color=Color.BLUE,
        category=Category.STANDARD,
        rows=1,
        quad=Quad((426, 423), (561, 423), (561, 489), (426, 489)),
        rect=Rect(426, 423, 135, 66),
        detection_score=0.9,
        character_probabilities=np.full((len(number), len(ALPHABET)), 1 / len(ALPHABET), np.float32),
        color_probabilities=np.full(len(COLORS), 1 / len(COLORS), np.float32),
    )


def passage() -> Passage:
    return Passage(
        number="京AF0236",
        confidence=99,
        color=Color.BLUE,
        category=Category.STANDARD,
        rows=1,
        rect=Rect(426, 423, 135, 66),
        first_seen_at=datetime(2025, 3, 1, 12, 0, 0, 125000, CHINA),
        captured_at=datetime(2025, 3, 1, 12, 0, 1, tzinfo=CHINA),
        frames=9,
        direction=Direction.APPROACHING,
    )


def message_of(passage: Passage) -> PlateMessage:
    return plate_message(
        passage,
        request_id=REQUEST_ID,
        sequence=7,
        device_id="gate-1",
        camera_id="camera-1",
        clock_synchronized=True,
        published_at=datetime(2025, 3, 1, 4, 0, 1, tzinfo=UTC),
    )


def sent_again() -> dict[str, Any]:
    """A plate message as it is sent for the second time."""
    stored = message_of(passage()).encode().decode()
    message: dict[str, Any] = json.loads(
        with_transmission(stored, datetime(2025, 3, 1, 4, 0, 2, tzinfo=UTC), replayed=True)
    )
    return message


def validate(name: str, message: object) -> None:
    Draft202012Validator(load_schema(name)).validate(message)


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schemas_are_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(load_schema(name))


def test_answer_has_the_fields_of_the_api() -> None:
    answer = plate_answer([reading("京AF0236", 99)], REQUEST_ID).to_json()
    plate = {
        "Number": "京AF0236",
        "Confidence": 99,
        "Color": "蓝",
        "Rect": {"X": 426, "Y": 423, "Width": 135, "Height": 66},
        "LicensePlateCategory": "标准实体车牌",
    }
    assert answer == {"Response": {**plate, "LicensePlateInfos": [plate], "RequestId": REQUEST_ID}}
    validate("response", answer)


def test_top_fields_repeat_the_first_plate() -> None:
    response = plate_answer([reading("京AF0236", 99), reading("沪B12345", 84)], REQUEST_ID).to_json()
    assert response["Response"]["Number"] == "京AF0236"
    assert [info["Number"] for info in response["Response"]["LicensePlateInfos"]] == ["京AF0236", "沪B12345"]
    validate("response", response)


def test_a_picture_without_a_plate_gives_an_error_answer() -> None:
    answer = plate_answer([], REQUEST_ID)
    assert error_code(answer.response) == "FailedOperation.OcrFailed"
    assert answer.response.request_id == REQUEST_ID
    validate("error", answer.to_json())


def test_plate_message() -> None:
    message = sent_again()
    validate("plate", message)
    assert message["Event"] == {
        "Sequence": 7,
        "DeviceId": "gate-1",
        "CameraId": "camera-1",
        "FirstSeenAt": "2025-03-01T12:00:00.125+08:00",
        "CapturedAt": "2025-03-01T12:00:01.000+08:00",
        "PublishedAt": "2025-03-01T04:00:02.000+00:00",
        "ClockSynchronized": True,
        "Frames": 9,
        "Direction": "approaching",
        "Replayed": True,
        "Crossing": None,
        "Matches": [],
        "Evidence": None,
    }


def test_crossing_and_list_matches_are_in_the_message() -> None:
    known = dataclasses.replace(passage(), crossing=Crossing.IN, matches=(ListMatch("known", "京AF0237", 1),))
    message = message_of(known).to_json()
    validate("plate", message)
    assert message["Event"]["Crossing"] == "in"
    assert message["Event"]["Matches"] == [{"List": "known", "Number": "京AF0237", "Distance": 1}]
    assert message["Event"]["Replayed"] is False
    assert message["Response"]["Number"] == "京AF0236"


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("Event", "Sequence", 0),
        ("Event", "PublishedAt", None),
        ("Event", "PublishedAt", "2025-03-01T04:00:02"),
        ("Event", "Direction", "sideways"),
        ("Response", "Color", "blue"),
        ("Response", "Confidence", 99.5),
        ("Response", "RequestId", "1"),
    ],
)
def test_schema_rejects_a_wrong_value(part: str, field: str, value: object) -> None:
    message = sent_again()
    message[part][field] = value
    with pytest.raises(ValidationError):
        validate("plate", message)


def test_json_is_utf_8_without_escapes() -> None:
    encoded = encode(sent_again())
    assert "京AF0236".encode() in encoded
    assert json.loads(encoded) == sent_again()


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        timestamp(datetime(2025, 3, 1))


def test_a_stored_message_of_another_version_keeps_the_fields_that_this_one_does_not_know() -> None:
    stored = {"Response": {"Number": "京AF0236"}, "Event": {"PublishedAt": None, "Later": 1, "Replayed": False}}
    sent = with_transmission(json.dumps(stored), datetime(2025, 3, 1, 4, 0, 2, tzinfo=UTC), replayed=True)
    assert sent.decode() == (
        '{"Response":{"Number":"京AF0236"},'
        '"Event":{"PublishedAt":"2025-03-01T04:00:02.000+00:00","Later":1,"Replayed":true}}'
    )


@pytest.mark.parametrize("stored", ["", "[]", "{}", '{"Event":null}', "nul"])
def test_a_damaged_stored_message_is_refused(stored: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        with_transmission(stored, datetime(2025, 3, 1, 4, 0, 2, tzinfo=UTC), replayed=True)
