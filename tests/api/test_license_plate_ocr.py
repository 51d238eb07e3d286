"""The action: where a picture is decoded, and how much memory and how many look-ups an account may use."""

from __future__ import annotations

import base64
import functools
import logging
import socket
import threading
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.api import addresses
from edge_lpr.api.build import create_dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.license_plate_ocr import MAX_BYTES, MAX_DOWNLOADED_BY_ONE, LicensePlateOcr
from edge_lpr.api.reading_turns import ACCOUNT
from edge_lpr.config import ApiSettings, DeviceSettings
from edge_lpr.errors import ImageDecodeFailed, ImageError, ImageTooLarge
from edge_lpr.images import API_FORMATS, Picture, read_picture
from edge_lpr.readings import PlateReading
from edge_lpr.vision.reader import PlateReader

DEADLINE_S = 10.0
PARAMETERS = {"ImageBase64": base64.b64encode(b"a picture").decode()}


def no_plate(_image: NDArray[np.uint8]) -> list[PlateReading]:
    return []


def as_account(name: str, call: Callable[[], object]) -> str:
    """Returns the error code of a call that belongs to an account."""

    def run() -> str:
        ACCOUNT.set(name)
        with pytest.raises(ApiError) as caught:
            call()
        return caught.value.code

    return copy_context().run(run)


def test_a_picture_is_decoded_by_the_given_function(tmp_path: Path) -> None:
    calls: list[bytes] = []

    def decode(content: bytes) -> Picture:
        calls.append(content)
        return Picture(np.zeros((2, 2, 3), np.uint8), None)

    dispatcher = create_dispatcher(ApiSettings(), DeviceSettings(state_dir=tmp_path), no_plate, decode)
    with pytest.raises(ApiError) as caught:
        dispatcher.perform(PARAMETERS)
    assert caught.value.code == ErrorCode.OCR_FAILED
    assert calls == [b"a picture"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ImageTooLarge("large"), ErrorCode.TOO_LARGE_FILE),
        (ImageDecodeFailed("damaged"), ErrorCode.IMAGE_DECODE_FAILED),
        (ImageError("other"), ErrorCode.IMAGE_DECODE_FAILED),
    ],
    ids=str,
)
def test_the_errors_of_that_function_are_answers(error: ImageError, expected: ErrorCode) -> None:
    def decode(_content: bytes) -> Picture:
        raise error

    action = LicensePlateOcr(no_plate, lambda _: b"", decode)
    with pytest.raises(ApiError) as caught:
        action(PARAMETERS)
    assert (caught.value.code, caught.value.message) == (expected, str(error))


def test_downloads_that_wait_to_be_read_have_a_bound_for_each_account() -> None:
    picture = bytes(MAX_BYTES)
    is_reading, go = threading.Event(), threading.Event()

    def decode(_content: bytes) -> Picture:
        is_reading.set()
        assert go.wait(DEADLINE_S)
        raise ImageDecodeFailed("damaged")

    action = LicensePlateOcr(no_plate, lambda _: picture, decode)
    codes: list[str] = []

    def download(account: str) -> None:
        codes.append(as_account(account, lambda: action({"ImageUrl": "http://a/"})))

    greedy = [threading.Thread(target=download, args=("greedy",)) for _ in range(MAX_DOWNLOADED_BY_ONE // MAX_BYTES)]
    for thread in greedy:
        thread.start()
    assert is_reading.wait(DEADLINE_S)
    while action._downloaded._held["greedy"] < MAX_DOWNLOADED_BY_ONE:
        assert not codes
    download("greedy")
    assert codes == ["RequestLimitExceeded"]
    other = threading.Thread(target=download, args=("other",))
    other.start()
    go.set()
    for thread in [*greedy, other]:
        thread.join()
    assert codes[1:] == ["FailedOperation.ImageDecodeFailed"] * 5


def test_names_that_are_looked_up_for_ever_do_not_stop_those_of_other_accounts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test replaces the resolver: it stands for a silent name server."""
    resolve, go = socket.getaddrinfo, threading.Event()

    def silent(host: str, *arguments: Any, **options: Any) -> object:
        if host == "silent.example":
            assert go.wait(DEADLINE_S)
        return resolve("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", silent)

    def look_up(account: str, host: str, timeout_s: float) -> object:
        def run() -> object:
            ACCOUNT.set(account)
            return addresses.resolve(host, 80, timeout_s)

        return copy_context().run(run)

    for _ in range(20):
        with pytest.raises(TimeoutError):
            look_up("greedy", "silent.example", 0.01)
    assert look_up("other", "answering.example", DEADLINE_S)
    go.set()


def no_download(url: str) -> bytes:
    raise AssertionError(url)


def parameters(content: bytes) -> dict[str, object]:
    return {"ImageBase64": base64.b64encode(content).decode()}


@pytest.fixture
def action(reader: PlateReader) -> LicensePlateOcr:
    return LicensePlateOcr(reader.read, no_download, functools.partial(read_picture, formats=API_FORMATS))


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
