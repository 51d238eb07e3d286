"""The action: pictures that are not quite whole get an ordinary answer and a log line."""

from __future__ import annotations

import base64
import logging

import pytest

from edge_lpr.api.errors import ApiError
from edge_lpr.api.license_plate_ocr import LicensePlateOcr
from edge_lpr.vision.reader import PlateReader

MAX_PIXELS = 25_000_000


def no_download(url: str) -> bytes:
    raise AssertionError(url)


def parameters(content: bytes) -> dict[str, object]:
    return {"ImageBase64": base64.b64encode(content).decode()}


@pytest.fixture
def action(reader: PlateReader) -> LicensePlateOcr:
    return LicensePlateOcr(reader.read, no_download, max_pixels=MAX_PIXELS)


def test_a_photo_that_is_not_quite_whole_is_answered_and_logged(
    action: LicensePlateOcr, plate_photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    whole = action(parameters(plate_photo))
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        cut = action(parameters(b"HTTP/1.1 200 OK\r\n\r\n" + plate_photo[:-400]))
    assert [plate.number for plate in cut] == [plate.number for plate in whole]
    assert "a requested picture is not whole" in caplog.text and "rows are there" in caplog.text


def test_half_a_photo_is_refused_with_what_is_there(action: LicensePlateOcr, plate_photo: bytes) -> None:
    with pytest.raises(ApiError, match=r"is cut short: \d+ of \d+ rows are there") as caught:
        action(parameters(plate_photo[: len(plate_photo) // 2]))
    assert caught.value.code == "FailedOperation.ImageDecodeFailed"
