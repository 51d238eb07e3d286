"""Every row of the table of error codes in docs/api.md, as the official SDK receives it."""

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
from tests.support.api import SECRET_ID, SECRET_KEY, FileServer, ServedApi, StartApi, create_app
from tests.support.mqtt import free_port

TESTED_CODES: set[ErrorCode] = set()


def assert_refused(expected: ErrorCode, call: Callable[[], Any]) -> TencentCloudSDKException:
    """Asserts that the SDK raises ``expected`` with a message and a request id. Returns the exception."""
    TESTED_CODES.add(expected)
    with pytest.raises(TencentCloudSDKException) as caught:
        call()
    assert caught.value.get_code() == expected, caught.value
    assert caught.value.get_message()
    assert str(UUID(caught.value.get_request_id())) == caught.value.get_request_id()
    return caught.value


def recognize(api: ServedApi, **parameters: object) -> dict[str, Any]:
    answer: dict[str, Any] = api.client().call_json("LicensePlateOCR", parameters)
    return answer


def blank_picture(form: str) -> str:
    """A small picture without a plate, in Base64."""
    content = io.BytesIO()
    Image.new("RGB", (64, 48), "grey").save(content, form)
    return base64.b64encode(content.getvalue()).decode()


def png_of_size(width: int, height: int) -> str:
    """A small PNG whose header states this size, in Base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(100))), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


@pytest.mark.parametrize(
    ("expected", "parameters"),
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
        (ErrorCode.VALUE_LIMIT, {"ImageUrl": "ftp://192.0.2.1/car.jpg", "ImageBase64": blank_picture("PNG")}),
        (ErrorCode.DOWNLOAD_ERROR, {"ImageUrl": "http://127.0.0.1:9/car.jpg"}),
        (ErrorCode.IMAGE_DECODE_FAILED, {"ImageBase64": base64.b64encode(b"not a picture").decode()}),
        (ErrorCode.IMAGE_DECODE_FAILED, {"ImageBase64": blank_picture("GIF")}),
        (ErrorCode.IMAGE_DECODE_FAILED, {"ImageBase64": blank_picture("PNG")[:80]}),
        (ErrorCode.OCR_FAILED, {"ImageBase64": blank_picture("PNG")}),
        (ErrorCode.OCR_FAILED, {"ImageBase64": blank_picture("JPEG")}),
        (ErrorCode.TOO_LARGE_FILE, {"ImageBase64": "A" * (10 * 1024 * 1024 + 4)}),
        (ErrorCode.TOO_LARGE_FILE, {"ImageBase64": png_of_size(50_000, 50_000)}),
        (ErrorCode.TOO_LARGE_FILE, {"ImageBase64": png_of_size(5_000, 5_001)}),
        (ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED, {"ImageBase64": "A" * (13 * 1024 * 1024)}),
    ],
    ids=lambda value: value.name if isinstance(value, ErrorCode) else re.sub(r"\W+", "_", str(value)[:30]),
)
def test_wrong_parameters_and_pictures_are_refused(
    api: ServedApi, expected: ErrorCode, parameters: dict[str, object]
) -> None:
    assert_refused(expected, lambda: recognize(api, **parameters))


def test_base64_of_exactly_the_size_limit_is_decoded(api: ServedApi) -> None:
    assert_refused(ErrorCode.IMAGE_DECODE_FAILED, lambda: recognize(api, ImageBase64="A" * (10 * 1024 * 1024)))


def test_downloads_that_fail_are_refused(api: ServedApi, start_api: StartApi, file_server: FileServer) -> None:
    file_server.files |= {"/large": b"x" * 8_000_000, "/page": b"<html>", "/never": threading.Event()}
    assert_refused(ErrorCode.DOWNLOAD_ERROR, lambda: recognize(api, ImageUrl=file_server.url("/missing")))
    assert_refused(ErrorCode.TOO_LARGE_FILE, lambda: recognize(api, ImageUrl=file_server.url("/large")))
    assert_refused(ErrorCode.IMAGE_DECODE_FAILED, lambda: recognize(api, ImageUrl=file_server.url("/page")))
    assert_refused(ErrorCode.DOWNLOAD_ERROR, lambda: recognize(api, ImageUrl=file_server.url("/never")))
    assert_refused(ErrorCode.DOWNLOAD_ERROR, lambda: recognize(start_api(), ImageUrl=file_server.url("/page")))


def test_unknown_actions_and_versions_are_refused(api: ServedApi) -> None:
    client = api.client()
    assert_refused(ErrorCode.INVALID_ACTION, lambda: client.call("IDCardOCR", {}))
    client._apiVersion = "2017-01-01"
    assert_refused(ErrorCode.NO_SUCH_VERSION, lambda: client.call("LicensePlateOCR", {}))
    client._apiVersion = ""
    assert_refused(ErrorCode.MISSING_PARAMETER, lambda: client.call("LicensePlateOCR", {}))


@pytest.mark.parametrize("method", ["TC3-HMAC-SHA256", "HmacSHA256", "HmacSHA1"])
def test_wrong_signatures_are_refused(api: ServedApi, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    def call(*arguments: str) -> object:
        return api.client(*arguments, signMethod=method).call_json("LicensePlateOCR", {})

    assert_refused(ErrorCode.SECRET_ID_NOT_FOUND, lambda: call("AKIDother"))
    assert_refused(ErrorCode.SIGNATURE_FAILURE, lambda: call(SECRET_ID, "another secret"))
    assert_refused(ErrorCode.TOKEN_FAILURE, lambda: call(SECRET_ID, SECRET_KEY, "a token"))
    for away_s in (-400, 400):
        clock = SimpleNamespace(time=lambda away_s=away_s: time.time() + away_s)
        monkeypatch.setattr("tencentcloud.common.abstract_client.time", clock)
        assert_refused(ErrorCode.SIGNATURE_EXPIRE, lambda: call())


def test_a_client_that_sends_the_whole_body_first_receives_the_error(api: ServedApi) -> None:
    """The server discards the body, but does not close the connection during the upload."""
    client = api.client("AKIDother")
    assert_refused(
        ErrorCode.SECRET_ID_NOT_FOUND,
        lambda: client.call_json("LicensePlateOCR", {"ImageBase64": "A" * (10 * 1024 * 1024)}),
    )


def test_a_request_without_a_signature_is_refused(api: ServedApi) -> None:
    client = api.client()
    assert_refused(
        ErrorCode.INVALID_AUTHORIZATION, lambda: client.call_json("LicensePlateOCR", {}, options={"SkipSign": True})
    )


def test_an_action_that_is_switched_off_is_refused(start_api: StartApi, plate_base64: str) -> None:
    api = start_api(license_plate_ocr=False)
    assert_refused(ErrorCode.UNOPEN_ERROR, lambda: recognize(api, ImageBase64=plate_base64))


def test_the_requests_per_second_are_limited_for_each_key(start_api: StartApi, keys_file: Path) -> None:
    keys_file.write_text(f"{SECRET_ID}: {SECRET_KEY}\nAKIDother: other\n")
    api = start_api(requests_per_second=2)
    with ThreadPoolExecutor(12) as pool:
        codes = [code for code in pool.map(lambda _: code_of(api, ImageBase64="AAAA"), range(12))]
    assert "RequestLimitExceeded" in codes
    TESTED_CODES.add(ErrorCode.REQUEST_LIMIT_EXCEEDED)
    other = api.client("AKIDother", "other")
    assert_refused(ErrorCode.IMAGE_DECODE_FAILED, lambda: other.call_json("LicensePlateOCR", {"ImageBase64": "AAAA"}))


def test_a_request_beyond_the_queue_limit_is_refused(start_api: StartApi, file_server: FileServer) -> None:
    api = start_api(queue=1, allow_networks=["127.0.0.1"])
    release = threading.Event()
    file_server.files["/blocked"] = release
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(code_of, api, ImageUrl=file_server.url("/blocked"))
        assert file_server.requested.wait(10)  # the first request is being processed
        assert_refused(ErrorCode.REQUEST_LIMIT_EXCEEDED, lambda: recognize(api, ImageBase64="AAAA"))
        release.set()
        assert first.result() == "FailedOperation.ImageDecodeFailed"


def test_keys_in_arrears_and_used_up_quotas_are_refused(
    start_api: StartApi, keys_file: Path, plate_base64: str
) -> None:
    keys_file.write_text(
        f"{SECRET_ID}: {{key: {SECRET_KEY}, quota: 2}}\nAKIDdebtor: {{key: other, in_arrears: true}}\n"
    )
    api = start_api()
    debtor = api.client("AKIDdebtor", "other")
    assert_refused(ErrorCode.IN_ARREARS, lambda: debtor.call_json("LicensePlateOCR", {"ImageBase64": plate_base64}))
    for _ in range(2):
        assert_refused(ErrorCode.OCR_FAILED, lambda: recognize(api, ImageBase64=blank_picture("PNG")))
        assert recognize(api, ImageBase64=plate_base64)["Response"]["Number"]
    assert_refused(ErrorCode.RESOURCE_PACKAGE_RUN_OUT, lambda: recognize(api, ImageBase64=plate_base64))
    again = start_api()
    assert_refused(ErrorCode.RESOURCE_PACKAGE_RUN_OUT, lambda: recognize(again, ImageBase64=plate_base64))


def test_a_quota_that_cannot_be_counted_is_an_error(start_api: StartApi, keys_file: Path, plate_base64: str) -> None:
    keys_file.write_text(f"{SECRET_ID}: {{key: {SECRET_KEY}, quota: 2}}\n")
    api = start_api()
    (api.state_dir / FILE_NAME).mkdir(parents=True)
    assert_refused(ErrorCode.CHARGE_STATUS_EXCEPTION, lambda: recognize(api, ImageBase64=plate_base64))
    (api.state_dir / FILE_NAME).rmdir()
    assert recognize(api, ImageBase64=plate_base64)["Response"]["Number"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_http_methods_are_refused(api: ServedApi, method: str) -> None:
    response = httpx.request(method, api.url)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.json()["Response"]["Error"]["Code"] == ErrorCode.UNSUPPORTED_PROTOCOL
    TESTED_CODES.add(ErrorCode.UNSUPPORTED_PROTOCOL)


def test_an_exception_of_the_reader_is_an_unknown_error_without_its_text(
    api: ServedApi, monkeypatch: pytest.MonkeyPatch, plate_base64: str, reader: PlateReader
) -> None:
    def broken(_image: np.ndarray[Any, Any], _observe: object) -> object:
        raise cv2.error("wrong matrix type")

    monkeypatch.setattr(reader, "read", broken)
    error = assert_refused(ErrorCode.UNKNOWN_ERROR, lambda: recognize(api, ImageBase64=plate_base64))
    assert "matrix" not in error.get_message()


def test_an_exception_of_the_action_is_an_internal_error_without_its_text(tmp_path: Path, keys_file: Path) -> None:
    def broken(_parameters: object) -> list[Any]:
        raise ZeroDivisionError("an internal detail")

    settings = ApiSettings(enabled=True, port=free_port(), keys_file=keys_file)
    with Dispatcher(broken, QuotaBook(tmp_path), requests_per_second=10, queue=1) as dispatcher:
        app = create_app(dispatcher, load_keys(keys_file))
        with WebServer(app, settings):
            error = assert_refused(
                ErrorCode.INTERNAL_ERROR, lambda: recognize(ServedApi(settings, tmp_path), ImageBase64="AAAA")
            )
    assert "detail" not in error.get_message()


def test_every_error_code_was_tested() -> None:
    """Uses the results of the tests above, so it must run after them."""
    missing = set(ErrorCode) - TESTED_CODES
    if len(TESTED_CODES) < len(ErrorCode) // 2:
        pytest.skip("the other tests of this file were not run")
    assert not missing


def test_the_document_lists_every_error_code(repo_root: Path) -> None:
    document = (repo_root / "docs" / "api.md").read_text(encoding="utf-8")
    for code in ErrorCode:
        assert f"| {code.situation} | `{code}` |" in document


def test_an_api_error_needs_a_code_of_the_table() -> None:
    with pytest.raises(ValueError, match="Unlisted"):
        ApiError("FailedOperation.Unlisted")


def code_of(api: ServedApi, **parameters: object) -> str:
    try:
        recognize(api, **parameters)
    except TencentCloudSDKException as error:
        return str(error.get_code())
    return "Success"
