"""What goes over the wire: the answers in the shape of Tencent Cloud's ``LicensePlateOCR``, and the gate's event.

Pure functions from readings and passages to plain dictionaries; ``encode`` turns one into bytes. The shapes are written
down for subscribers in ``edge_lpr/messages/schemas``. Source: Tencent Cloud OCR, LicensePlateOCR, version 2018-11-19.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from edge_lpr.geometry import Rect
    from edge_lpr.passages import Passage
    from edge_lpr.readings import PlateReading

JsonObject = dict[str, Any]

NO_PLATE_CODE = "FailedOperation.OcrFailed"
"""``Error.Code`` of a picture that holds no readable plate: of the codes that the API documents, the one that fits."""


def new_request_id() -> str:
    """A fresh ``RequestId``: a random UUID in its usual 36 characters."""
    return str(uuid4())


def timestamp(moment: datetime) -> str:
    """RFC 3339 with milliseconds and the moment's own offset. Raises ValueError for a time without an offset."""
    if moment.utcoffset() is None:
        raise ValueError(f"a time in a message needs its offset from UTC: {moment.isoformat()}")
    return moment.isoformat(timespec="milliseconds")


def encode(message: Mapping[str, Any]) -> bytes:
    """A message as UTF-8 JSON on one line, plate characters as themselves."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def license_plate_ocr_response(readings: Sequence[PlateReading], request_id: str) -> JsonObject:
    """The API's answer for one picture; ``readings`` come best first. No reading at all is an error answer."""
    if not readings:
        return error_response(NO_PLATE_CODE, "No license plate was found in the picture.", request_id)
    return _answer([_plate_info(reading) for reading in readings], request_id)


def passage_response(passage: Passage, request_id: str) -> JsonObject:
    """The API's answer that stands for a whole passage."""
    return _answer([_plate_info(passage)], request_id)


def error_response(code: str, message: str, request_id: str) -> JsonObject:
    """The API's error answer."""
    return {"Response": {"Error": {"Code": code, "Message": message}, "RequestId": request_id}}


def event(passage: Passage, *, sequence: int, device_id: str, camera_id: str, clock_synchronized: bool) -> JsonObject:
    """The ``Event`` of a passage, not yet sent: ``stamped`` fills ``PublishedAt`` and ``Replayed`` at each sending."""
    kept = passage.evidence
    return {
        "Sequence": sequence,
        "DeviceId": device_id,
        "CameraId": camera_id,
        "FirstSeenAt": timestamp(passage.first_seen_at),
        "CapturedAt": timestamp(passage.captured_at),
        "PublishedAt": None,
        "ClockSynchronized": clock_synchronized,
        "Frames": passage.frames,
        "Direction": str(passage.direction),
        "Replayed": False,
        "Crossing": None if passage.crossing is None else str(passage.crossing),
        "Matches": [
            {"List": match.list_name, "Number": match.number, "Distance": match.distance} for match in passage.matches
        ],
        "Evidence": None if kept is None else {"Crop": kept.crop, "Frame": kept.frame},
    }


def stamped(message: Mapping[str, Any], published_at: datetime, *, replayed: bool) -> JsonObject:
    """A plate message ``{"Response", "Event"}`` as it is sent now."""
    sent_event = {**message["Event"], "PublishedAt": timestamp(published_at), "Replayed": replayed}
    return {**message, "Event": sent_event}


def _answer(plates: list[JsonObject], request_id: str) -> JsonObject:
    return {"Response": {**plates[0], "LicensePlateInfos": plates, "RequestId": request_id}}


def _plate_info(plate: PlateReading | Passage) -> JsonObject:
    return {
        "Number": plate.number,
        "Confidence": plate.confidence,
        "Color": str(plate.color),
        "Rect": _rect(plate.rect),
        "LicensePlateCategory": str(plate.category),
    }


def _rect(rect: Rect) -> JsonObject:
    return {"X": rect.x, "Y": rect.y, "Width": rect.width, "Height": rect.height}
