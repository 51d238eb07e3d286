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
from tencentcloud.common.exception import TencentCloudSDKException

from edge_lpr.api.body_memory import MAX_BODY, MAX_INCOMING
from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.forms import CONTENT_TYPE as FORM
from edge_lpr.api.http_routes import MAX_FAILURES
from edge_lpr.api.keys import Account
from edge_lpr.api.quota import QuotaBook
from edge_lpr.api.request_body import MAX_DRAINED
from tests.support.api import SECRET_ID, SECRET_KEY, AppClient, ServedApi, StartApi, create_app, create_app_client
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


UNSIGNED_REQUESTS: dict[str, dict[str, Any]] = {
    "no form": {"data": {"a": "1"}},
    "broken form": {"content": b"&", "headers": {"Content-Type": FORM}},
    "unknown id": {"data": {"SecretId": "b", "Timestamp": "1000", "Nonce": "1", "Signature": "x"}},
    "known id": {"data": {"SecretId": "AKIDa", "Timestamp": "1000", "Nonce": "1", "Signature": "x"}},
    "known id and a token": {"data": {"SecretId": "AKIDa", "Timestamp": "1", "Nonce": "1", "Signature": "x"}},
    "no time": {"json": {}, "headers": {"Authorization": SIGNED.format("AKIDa")}},
    "wrong signature": {
        "json": {},
        "headers": {
            "Authorization": SIGNED.format("AKIDa").replace("DAY", "1970-01-01"),
            "X-TC-Timestamp": "1000",
            "Host": "a",
        },
    },
    "too large": {"content": b"", "headers": {"Content-Type": FORM, "Content-Length": str(MAX_BODY + 1)}},
    "text": {"content": b"x", "headers": {"Content-Type": "text/plain"}},
}


@pytest.mark.parametrize("kind", UNSIGNED_REQUESTS)
def test_every_refusal_before_authentication_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("edge_lpr.api.http_routes.time", clock(lambda: 1000.0))
    client = create_app_client(tmp_path, "192.0.2.7", AKIDa=Account("AKIDa", "x"))
    codes = [code(client.post("/", **UNSIGNED_REQUESTS[kind])) for _ in range(MAX_FAILURES + 1)]
    assert codes[-1] == "RequestLimitExceeded" and codes[-2] != "RequestLimitExceeded"


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_refused_methods_and_queries_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr("edge_lpr.api.http_routes.time", clock(lambda: 1000.0))
    client = create_app_client(tmp_path, "192.0.2.7", AKIDa=Account("AKIDa", "x"))
    codes = [code(client.request(method, "/", params={"a": "1"})) for _ in range(MAX_FAILURES + 1)]
    assert codes[-1] == "RequestLimitExceeded" and codes[-2] != "RequestLimitExceeded"


def held_bodies(api: ServedApi) -> list[bytes]:
    """Returns requests, each short of its last byte, that name nobody, and that name a known SecretId."""
    now = int(time.time())
    signed = SIGNED.format(SECRET_ID).replace("DAY", time.strftime("%Y-%m-%d", time.gmtime(now)))
    heads = (
        f"Content-Type: {FORM}",
        f"Content-Type: application/json\r\nAuthorization: {signed}\r\nX-TC-Timestamp: {now}",
    )
    contents = (b"SecretId=%s&a=" % SECRET_ID.encode(), b'{"ImageBase64": "')
    return [
        f"POST / HTTP/1.1\r\nHost: a\r\n{head}\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode()
        + content.ljust(MAX_BODY - 1, b"x")
        for head, content in zip(heads, contents, strict=True)
    ]


def test_bodies_that_are_never_complete_keep_no_key_out(start_api: StartApi, keys_file: Path) -> None:
    keys_file.write_text(f"{SECRET_ID}: {SECRET_KEY}\nAKIDother: other\n")
    api = start_api()
    picture = {"ImageBase64": "A" * 1_000_000}
    with contextlib.ExitStack() as stack:
        for _ in range(2 * MAX_INCOMING // MAX_BODY):
            for request in held_bodies(api):
                connection = stack.enter_context(socket.create_connection(("127.0.0.1", api.settings.port)))
                connection.sendall(request)
            for key in ((SECRET_ID, SECRET_KEY), ("AKIDother", "other")):
                with pytest.raises(TencentCloudSDKException, match="ImageDecodeFailed"):
                    api.client(*key).call_json("LicensePlateOCR", picture)


def test_a_body_that_made_room_for_another_is_told_so(start_api: StartApi) -> None:
    api = start_api()
    with contextlib.ExitStack() as stack:
        connections = []
        for request in held_bodies(api) * 2:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", api.settings.port), timeout=20))
            connection.sendall(request)
            connections.append(connection)
        answer = HTTPResponse(connections[0])
        answer.begin()
        assert answer.headers["Connection"] == "close"
        connections[0].sendall(b"x")
        error = json.loads(answer.read())["Response"]["Error"]
        assert error["Code"] == "RequestLimitExceeded" and "on their way" in error["Message"]


def test_large_bodies_with_wrong_signatures_keep_nobody_waiting(start_api: StartApi) -> None:
    api = start_api()
    wrong = [request + b"x" for request in held_bodies(api)]
    with contextlib.ExitStack() as stack:
        connections = []
        for request in wrong * 2:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", api.settings.port), timeout=20))
            connection.sendall(request)
            connections.append(connection)
        with pytest.raises(TencentCloudSDKException, match="ImageDecodeFailed"):
            api.client().call_json("LicensePlateOCR", {"ImageBase64": "A" * 1_000_000})
        for connection in connections:
            answer = HTTPResponse(connection)
            answer.begin()
            assert json.loads(answer.read())["Response"]["Error"]["Code"]


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
