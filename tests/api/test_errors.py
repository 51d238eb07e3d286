"""Every row of the table of errors in docs/api.md, as the official SDK meets it."""

from __future__ import annotations

import base64
import io
import re
import struct
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image
from tencentcloud.common.exception import TencentCloudSDKException

from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import load_keys
from edge_lpr.api.quota import FILE_NAME, QuotaBook
from edge_lpr.config import ApiSettings
from edge_lpr.vision.reader import PlateReader
from edge_lpr.web.server import WebServer
from tests.support.api import SECRET_ID, SECRET_KEY, Pages, ServedApi, StartApi, create_app
from tests.support.mqtt import free_port

TESTED: set[ErrorCode] = set()


def refused(fault: ErrorCode, call: Callable[[], Any]) -> TencentCloudSDKException:
    """What the SDK raises: the right code, words for a person, a request id."""
    TESTED.add(fault)
    with pytest.raises(TencentCloudSDKException) as caught:
        call()
    assert caught.value.get_code() == fault, caught.value
    assert caught.value.get_message()
    assert str(UUID(caught.value.get_request_id())) == caught.value.get_request_id()
    return caught.value


def ask(api: ServedApi, **parameters: object) -> dict[str, Any]:
    answer: dict[str, Any] = api.client().call_json("LicensePlateOCR", parameters)
    return answer


def picture(form: str) -> str:
    """A small picture without a plate, in Base64."""
    content = io.BytesIO()
    Image.new("RGB", (64, 48), "grey").save(content, form)
    return base64.b64encode(content.getvalue()).decode()


def claimed_png(width: int, height: int) -> str:
    """A PNG of a few bytes that claims a size, in Base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


@pytest.mark.parametrize(
    ("fault", "parameters"),
    [
        (ErrorCode.MISSING_PARAMETER, {}),
        (ErrorCode.MISSING_PARAMETER, {"ImageBase64": None}),
        (ErrorCode.UNKNOWN_PARAMETER, {"ImageBase64": "AAAA", "Cardside": "FRONT"}),
        (ErrorCode.INVALID_PARAMETER, {"ImageBase64": 17}),
        (ErrorCode.INVALID_PARAMETER, {"ImageUrl": ["http://192.0.2.1/"]}),
        (ErrorCode.VALUE_LIMIT, {"ImageBase64": ""}),
        (ErrorCode.VALUE_LIMIT, {"ImageBase64": "not Base64"}),
        (ErrorCode.VALUE_LIMIT, {"ImageBase64": "车牌"}),
        (ErrorCode.VALUE_LIMIT, {"ImageBase64": "\ud800"}),
        (ErrorCode.VALUE_LIMIT, {"ImageUrl": "file:///etc/hostname"}),
        (ErrorCode.VALUE_LIMIT, {"ImageUrl": "ftp://192.0.2.1/car.jpg", "ImageBase64": picture("PNG")}),
        (ErrorCode.DOWNLOAD_ERROR, {"ImageUrl": "http://127.0.0.1:9/car.jpg"}),
        (ErrorCode.IMAGE_DECODE_FAILED, {"ImageBase64": base64.b64encode(b"no picture").decode()}),
        (ErrorCode.IMAGE_DECODE_FAILED, {"ImageBase64": picture("GIF")}),
        (ErrorCode.IMAGE_DECODE_FAILED, {"ImageBase64": picture("PNG")[:80]}),
        (ErrorCode.OCR_FAILED, {"ImageBase64": picture("PNG")}),
        (ErrorCode.OCR_FAILED, {"ImageBase64": picture("JPEG")}),
        (ErrorCode.TOO_LARGE_FILE, {"ImageBase64": "A" * (10 * 1024 * 1024 + 4)}),
        (ErrorCode.TOO_LARGE_FILE, {"ImageBase64": claimed_png(50_000, 50_000)}),
        (ErrorCode.TOO_LARGE_FILE, {"ImageBase64": claimed_png(5_000, 5_001)}),
        (ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED, {"ImageBase64": "A" * (13 * 1024 * 1024)}),
    ],
    ids=lambda value: value.name if isinstance(value, ErrorCode) else re.sub(r"\W+", "_", str(value)[:30]),
)
def test_parameters(api: ServedApi, fault: ErrorCode, parameters: dict[str, object]) -> None:
    refused(fault, lambda: ask(api, **parameters))


def test_a_picture_of_exactly_the_limit_is_decoded(api: ServedApi) -> None:
    refused(ErrorCode.IMAGE_DECODE_FAILED, lambda: ask(api, ImageBase64="A" * (10 * 1024 * 1024)))


def test_downloads(api: ServedApi, start_api: StartApi, web: Pages) -> None:
    web.pages |= {"/large": b"x" * 8_000_000, "/page": b"<html>", "/never": threading.Event()}
    refused(ErrorCode.DOWNLOAD_ERROR, lambda: ask(api, ImageUrl=web.url("/missing")))
    refused(ErrorCode.TOO_LARGE_FILE, lambda: ask(api, ImageUrl=web.url("/large")))
    refused(ErrorCode.IMAGE_DECODE_FAILED, lambda: ask(api, ImageUrl=web.url("/page")))
    refused(ErrorCode.DOWNLOAD_ERROR, lambda: ask(api, ImageUrl=web.url("/never")))
    refused(ErrorCode.DOWNLOAD_ERROR, lambda: ask(start_api(), ImageUrl=web.url("/page")))


def test_actions_and_versions(api: ServedApi) -> None:
    client = api.client()
    refused(ErrorCode.INVALID_ACTION, lambda: client.call("IDCardOCR", {}))
    client._apiVersion = "2017-01-01"
    refused(ErrorCode.NO_SUCH_VERSION, lambda: client.call("LicensePlateOCR", {}))
    client._apiVersion = ""
    refused(ErrorCode.MISSING_PARAMETER, lambda: client.call("LicensePlateOCR", {}))


@pytest.mark.parametrize("method", ["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"])
def test_signatures(api: ServedApi, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def call(*arguments: str) -> object:
        return api.client(*arguments, signMethod=method).call_json("LicensePlateOCR", {})

    refused(ErrorCode.SECRET_ID_NOT_FOUND, lambda: call("AKIDother"))
    refused(ErrorCode.SIGNATURE_FAILURE, lambda: call(SECRET_ID, "another secret"))
    refused(ErrorCode.TOKEN_FAILURE, lambda: call(SECRET_ID, SECRET_KEY, "a token"))
    for away_s in (-400, 400):
        clock = SimpleNamespace(time=lambda away_s=away_s: time.time() + away_s)
        monkeypatch.setattr("tencentcloud.common.abstract_client.time", clock)
        refused(ErrorCode.SIGNATURE_EXPIRE, lambda: call())


def test_a_caller_who_sends_all_before_he_reads_gets_the_reason(api: ServedApi) -> None:
    """His body is not taken in, but neither is the connection closed on it."""
    stranger = api.client("AKIDother")
    refused(
        ErrorCode.SECRET_ID_NOT_FOUND,
        lambda: stranger.call_json("LicensePlateOCR", {"ImageBase64": "A" * (10 * 1024 * 1024)}),
    )


def test_without_a_signature(api: ServedApi) -> None:
    client = api.client()
    refused(
        ErrorCode.INVALID_AUTHORIZATION, lambda: client.call_json("LicensePlateOCR", {}, options={"SkipSign": True})
    )


def test_switched_off(start_api: StartApi, plate_base64: str) -> None:
    api = start_api(license_plate_ocr=False)
    refused(ErrorCode.UNOPEN_ERROR, lambda: ask(api, ImageBase64=plate_base64))


def test_too_many_requests_a_second_are_counted_for_each_key(start_api: StartApi, keys_file: Path) -> None:
    keys_file.write_text(f"{SECRET_ID}: {SECRET_KEY}\nAKIDother: other\n")
    api = start_api(requests_per_second=2)
    with ThreadPoolExecutor(12) as pool:
        codes = [code for code in pool.map(lambda _: code_of(api, ImageBase64="AAAA"), range(12))]
    assert "RequestLimitExceeded" in codes
    TESTED.add(ErrorCode.REQUEST_LIMIT_EXCEEDED)
    other = api.client("AKIDother", "other")
    refused(ErrorCode.IMAGE_DECODE_FAILED, lambda: other.call_json("LicensePlateOCR", {"ImageBase64": "AAAA"}))


def test_a_full_queue(start_api: StartApi, web: Pages) -> None:
    api = start_api(queue=1, allow_networks=["127.0.0.1"])
    held = threading.Event()
    web.pages["/held"] = held
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(code_of, api, ImageUrl=web.url("/held"))
        while code_of(api, ImageBase64="AAAA") != "RequestLimitExceeded":  # until the first is at work
            assert not first.done()
        refused(ErrorCode.REQUEST_LIMIT_EXCEEDED, lambda: ask(api, ImageBase64="AAAA"))
        held.set()
        assert first.result() == "FailedOperation.ImageDecodeFailed"


def test_quotas(start_api: StartApi, keys_file: Path, plate_base64: str) -> None:
    keys_file.write_text(
        f"{SECRET_ID}: {{key: {SECRET_KEY}, quota: 2}}\nAKIDdebtor: {{key: other, in_arrears: true}}\n"
    )
    api = start_api()
    debtor = api.client("AKIDdebtor", "other")
    refused(ErrorCode.IN_ARREARS, lambda: debtor.call_json("LicensePlateOCR", {"ImageBase64": plate_base64}))
    for _ in range(2):
        refused(ErrorCode.OCR_FAILED, lambda: ask(api, ImageBase64=picture("PNG")))
        assert ask(api, ImageBase64=plate_base64)["Response"]["Number"]
    refused(ErrorCode.RESOURCE_PACKAGE_RUN_OUT, lambda: ask(api, ImageBase64=plate_base64))
    again = start_api()
    refused(ErrorCode.RESOURCE_PACKAGE_RUN_OUT, lambda: ask(again, ImageBase64=plate_base64))


def test_quotas_that_cannot_be_counted(start_api: StartApi, keys_file: Path, plate_base64: str) -> None:
    keys_file.write_text(f"{SECRET_ID}: {{key: {SECRET_KEY}, quota: 2}}\n")
    api = start_api()
    (api.state_dir / FILE_NAME).mkdir(parents=True)
    refused(ErrorCode.CHARGE_STATUS_EXCEPTION, lambda: ask(api, ImageBase64=plate_base64))
    (api.state_dir / FILE_NAME).rmdir()
    assert ask(api, ImageBase64=plate_base64)["Response"]["Number"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods(api: ServedApi, method: str) -> None:
    response = httpx.request(method, api.url)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json()["Response"]["Error"]["Code"] == ErrorCode.UNSUPPORTED_PROTOCOL
    TESTED.add(ErrorCode.UNSUPPORTED_PROTOCOL)


def test_a_reader_that_fails(
    api: ServedApi, monkeypatch: pytest.MonkeyPatch, plate_base64: str, reader: PlateReader
) -> None:
    def broken(_image: np.ndarray[Any, Any], _observe: object) -> object:
        raise cv2.error("out of its mind")

    monkeypatch.setattr(reader, "read", broken)
    error = refused(ErrorCode.UNKNOWN_ERROR, lambda: ask(api, ImageBase64=plate_base64))
    assert "mind" not in error.get_message()


def test_a_service_that_fails(tmp_path: Path, keys_file: Path) -> None:
    def broken(_parameters: object) -> list[Any]:
        raise ZeroDivisionError("a fault of ours")

    settings = ApiSettings(enabled=True, port=free_port(), keys_file=keys_file)
    with Dispatcher(broken, QuotaBook(tmp_path), requests_per_second=10, queue=1) as dispatcher:
        app = create_app(dispatcher, load_keys(keys_file))
        with WebServer(app, settings):
            error = refused(ErrorCode.INTERNAL_ERROR, lambda: ask(ServedApi(settings, tmp_path), ImageBase64="AAAA"))
    assert "ours" not in error.get_message()


def test_every_row_of_the_table_was_tested() -> None:
    """Stands last: it needs the tests above to have run."""
    missing = set(ErrorCode) - TESTED
    if len(TESTED) < len(ErrorCode) // 2:
        pytest.skip("the other tests of this file were not run")
    assert not missing


def test_the_document_has_every_row(repo_root: Path) -> None:
    document = (repo_root / "docs" / "api.md").read_text(encoding="utf-8")
    for fault in ErrorCode:
        assert f"| {fault.situation} | `{fault}` |" in document


def test_codes_are_only_those_of_the_table() -> None:
    with pytest.raises(ValueError, match="Unheard"):
        ApiError("FailedOperation.Unheard")


def code_of(api: ServedApi, **parameters: object) -> str:
    try:
        ask(api, **parameters)
    except TencentCloudSDKException as error:
        return str(error.get_code())
    return "Success"
