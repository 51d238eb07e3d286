"""The messages keep the shape that is promised to subscribers."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from edge_lpr.geometry import Quad, Rect
from edge_lpr.messages import payloads as messages
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


def plate_message() -> dict[str, Any]:
    happened = messages.event(passage(), sequence=7, device_id="gate-1", camera_id="camera-1", clock_synchronized=True)
    message = {**messages.passage_response(passage(), REQUEST_ID), "Event": happened}
    return messages.stamped(message, datetime(2025, 3, 1, 4, 0, 2, tzinfo=UTC), replayed=True)


def validate(name: str, message: object) -> None:
    Draft202012Validator(load_schema(name)).validate(message)


@pytest.mark.parametrize("name", SCHEMA_NAMES)
def test_schemas_are_valid_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(load_schema(name))


def test_answer_is_the_apis_field_for_field() -> None:
    answer = messages.license_plate_ocr_response([reading("京AF0236", 99)], REQUEST_ID)
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
    response = messages.license_plate_ocr_response([reading("京AF0236", 99), reading("沪B12345", 84)], REQUEST_ID)
    assert response["Response"]["Number"] == "京AF0236"
    assert [info["Number"] for info in response["Response"]["LicensePlateInfos"]] == ["京AF0236", "沪B12345"]
    validate("response", response)


def test_picture_without_plate_is_an_error_answer() -> None:
    answer = messages.license_plate_ocr_response([], REQUEST_ID)
    assert answer["Response"]["Error"]["Code"] == "FailedOperation.OcrFailed"
    assert answer["Response"]["RequestId"] == REQUEST_ID
    validate("error", answer)


def test_plate_message() -> None:
    message = plate_message()
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


def test_a_crossing_and_what_the_lists_say_are_told() -> None:
    known = dataclasses.replace(passage(), crossing=Crossing.IN, matches=(ListMatch("known", "京AF0237", 1),))
    happened = messages.event(known, sequence=7, device_id="gate-1", camera_id="camera-1", clock_synchronized=True)
    assert happened["Crossing"] == "in"
    assert happened["Matches"] == [{"List": "known", "Number": "京AF0237", "Distance": 1}]
    message = {**messages.passage_response(known, REQUEST_ID), "Event": happened}
    validate("plate", messages.stamped(message, datetime(2025, 3, 1, 4, 0, 2, tzinfo=UTC), replayed=False))
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
    message = plate_message()
    message[part][field] = value
    with pytest.raises(ValidationError):
        validate("plate", message)


def test_json_holds_the_characters_themselves() -> None:
    encoded = messages.encode(plate_message())
    assert "京AF0236".encode() in encoded
    assert json.loads(encoded) == plate_message()


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        messages.timestamp(datetime(2025, 3, 1))
