"""The HTTP routes without the SDK: access without keys, content types, forms, large and slow bodies."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import httpx
import pytest

from edge_lpr.api.body_memory import MAX_BODY
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.http_routes import MAX_FAILURES
from edge_lpr.api.keys import Account
from edge_lpr.api.quota import QuotaBook
from edge_lpr.api.request_body import MAX_DRAINED
from tests.support.api import SECRET_ID, AppClient, StartApi, create_app, create_app_client
from tests.support.clocks import clock

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
SIGNED = "TC3-HMAC-SHA256 Credential={}/DAY/ocr/tc3_request, SignedHeaders=content-type;host, Signature=" + "0" * 64
V1 = {"Action": "LicensePlateOCR", "Version": "2018-11-19"}


def code(response: httpx.Response) -> str:
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    return str(response.json()["Response"].get("Error", {"Code": "Success"})["Code"])


@pytest.mark.parametrize("peer", ["192.0.2.7", "fe80::1", "::ffff:192.0.2.7", "testclient", "0.0.0.0"])
def test_without_keys_requests_from_other_machines_are_refused(tmp_path: Path, peer: str) -> None:
    client = create_app_client(tmp_path, peer)
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}):
        assert code(client.post("/", json={}, headers={**HEADERS, **headers})) == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_without_keys_requests_from_the_device_itself_are_answered(tmp_path: Path, peer: str) -> None:
    assert (
        code(create_app_client(tmp_path, peer).post("/", json={}, headers={"X-TC-Action": "Other"}))
        == "MissingParameter"
    )


def test_with_keys_requests_from_the_device_itself_need_a_signature(tmp_path: Path) -> None:
    client = create_app_client(tmp_path, AKIDa=Account("AKIDa", "x"))
    assert code(client.post("/", json={}, headers=HEADERS)) == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"content": b"{"}, "InvalidParameter"),
        ({"content": b"[]"}, "InvalidParameter"),
        ({"content": b"\xff"}, "InvalidParameter"),
        ({"content": b'{"a":' * 100_000}, "InvalidParameter"),
        ({"content": b'{"ImageBase64": ' + b"9" * 5000 + b"}"}, "InvalidParameter"),
        ({"content": b'{"ImageBase64": "AAAA", "ImageBase64": "AAAA"}'}, "InvalidParameter"),
        ({"content": b'{"ImageUrl": [' + b"0," * 1_000_000 + b"0]}"}, "InvalidParameter"),
        ({"content": b"{}"}, "MissingParameter"),
        ({"content": b"{}", "headers": {"Content-Type": "text/plain"}}, "InvalidParameter"),
        ({"content": b"{}", "headers": {"Content-Type": "application/json; charset=utf-8"}}, "MissingParameter"),
        ({"content": b"{}", "headers": {"X-TC-Version": ""}}, "MissingParameter"),
        ({"data": {"ImageBase64": "AAAA"}}, "FailedOperation.ImageDecodeFailed"),
        ({"content": b"ImageBase64=A&ImageBase64=B", "headers": {"Content-Type": "FORM"}}, "InvalidParameter"),
        ({"content": b"ImageBase64=%FF", "headers": {"Content-Type": "FORM"}}, "InvalidParameter"),
    ],
    ids=range(14),
)
def test_each_kind_of_body_gets_its_code(start_api: StartApi, request_: dict[str, Any], expected: str) -> None:
    api = start_api(keys_file=None)
    own = {"Content-Type": "application/json"} if "content" in request_ else {}
    headers = {**HEADERS, **own, **request_.pop("headers", {})}
    if headers.get("Content-Type") == "FORM":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    assert code(httpx.post(api.url, headers=headers, **request_)) == expected


def test_action_version_and_common_parameters_may_be_in_the_query_or_the_form(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    more = {"Region": "ap-guangzhou", "Timestamp": "1", "Nonce": "2", "RequestClient": "x", "Language": "zh-CN"}
    for response in (
        httpx.get(api.url, params={**V1, **more, "ImageBase64": "AAAA"}),
        httpx.post(api.url, data={**V1, **more, "ImageBase64": "AAAA"}),
    ):
        assert code(response) == "FailedOperation.ImageDecodeFailed"
    assert code(httpx.get(api.url)) == "MissingParameter"
    assert code(httpx.get(api.url, params={**V1, "Colour": "x"})) == "UnknownParameter"


def test_a_body_over_the_size_limit_is_read_to_its_end_and_refused(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    headers = {**HEADERS, "Content-Type": "application/json"}
    for _ in range(5):  # more than the limit of all bodies together: each request must release its share
        answer = httpx.post(api.url, content=b"x" * (MAX_BODY + 1), headers=headers)
        assert code(answer) == "RequestSizeLimitExceeded"
    assert code(httpx.post(api.url, content=b"{}", headers=headers)) == "MissingParameter"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "AuthFailure.InvalidAuthorization"),
        ({"Authorization": "TC3-HMAC-SHA256 Credential=unknown"}, "AuthFailure.InvalidAuthorization"),
        ({"Authorization": SIGNED.format("unknown"), "X-TC-Timestamp": "NOW"}, "AuthFailure.SecretIdNotFound"),
        ({"Authorization": SIGNED.format(SECRET_ID), "X-TC-Timestamp": "1700000000"}, "AuthFailure.SignatureExpire"),
    ],
    ids=["no signature", "malformed", "unknown key", "expired"],
)
def test_a_request_whose_headers_fail_authentication_is_refused_before_its_body(
    start_api: StartApi, headers: dict[str, str], expected: str
) -> None:
    api = start_api()
    given = {"Host": "a", "Content-Type": "application/json", "Content-Length": str(MAX_BODY), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    now = f"{time.time():.0f}"
    lines = lines.replace("NOW", now).replace("DAY", time.strftime("%Y-%m-%d", time.gmtime(int(now))))
    with socket.create_connection(("127.0.0.1", api.settings.port), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + b"{")
        answer = HTTPResponse(connection)
        answer.begin()
        assert answer.headers["Connection"] == "close"
        assert json.loads(answer.read())["Response"]["Error"]["Code"] == expected


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "gate.example"},
        {"Host": "127.0.0.1.example:8080"},
        {"Host": "192.0.2.7"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://parking.example"},
        {"Origin": "http://localhost.example:8080"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_without_keys_requests_of_other_web_sites_are_refused(tmp_path: Path, headers: dict[str, str]) -> None:
    client = create_app_client(tmp_path)
    for response in (
        client.post("/", data={**V1, "ImageBase64": "AAAA"}, headers=headers),
        client.request("GET", "/", params={**V1, "ImageUrl": "http://192.0.2.1/"}, headers=headers),
    ):
        assert code(response) == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "127.0.0.1:8080"},
        {"Host": "LOCALHOST"},
        {"Host": "[::1]:8080"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_without_keys_requests_with_a_local_host_and_origin_are_answered(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    assert (
        code(create_app_client(tmp_path).post("/", data={**V1, "Action": "Other"}, headers=headers)) == "InvalidAction"
    )


def test_an_address_that_fails_to_authenticate_too_often_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("edge_lpr.api.http_routes.time", clock(lambda: now_s))
    peer, other = "192.0.2.7", "192.0.2.8"
    dispatcher = Dispatcher(lambda _: [], QuotaBook(tmp_path), requests_per_second=10, queue=1)
    app = create_app(dispatcher, {"AKIDa": Account("AKIDa", "x")})
    clients = {each: AppClient(app, each) for each in (peer, other, "127.0.0.1")}
    codes = [code(clients[peer].post("/", json={}, headers=HEADERS)) for _ in range(MAX_FAILURES + 2)]
    assert codes == ["AuthFailure.InvalidAuthorization"] * MAX_FAILURES + ["RequestLimitExceeded"] * 2
    assert code(clients[other].post("/", json={}, headers=HEADERS)) == "AuthFailure.InvalidAuthorization"
    for _ in range(MAX_FAILURES + 1):  # no limit: a proxy on the device forwards for all clients
        assert code(clients["127.0.0.1"].post("/", json={}, headers=HEADERS)) == "AuthFailure.InvalidAuthorization"
    now_s += 1
    assert code(clients[peer].post("/", json={}, headers=HEADERS)) == "AuthFailure.InvalidAuthorization"


def test_an_endless_body_is_cut_off(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    sent = 0
    with (
        socket.create_connection(("127.0.0.1", api.settings.port), timeout=10) as connection,
        contextlib.suppress(ConnectionError, TimeoutError),
    ):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 2 * MAX_DRAINED:
            sent += connection.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert sent < 2 * MAX_DRAINED


def test_a_client_that_disconnects_causes_no_error(start_api: StartApi, caplog: pytest.LogCaptureFixture) -> None:
    api = start_api(keys_file=None)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", api.settings.port)) as connection:
            connection.sendall(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 1_000_000
            )
    assert code(httpx.get(api.url)) == "MissingParameter"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
