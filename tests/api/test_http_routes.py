"""The HTTP face beside the SDK: who is answered, content types, forms, large bodies, health and metrics."""

from __future__ import annotations

import asyncio
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
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from tencentcloud.common.exception import TencentCloudSDKException

from edge_lpr.api.dispatcher import Dispatcher
from edge_lpr.api.http_routes import MAX_FAILURES
from edge_lpr.api.keys import Account
from edge_lpr.api.quota import QuotaBook
from edge_lpr.api.request_body import MAX_BODY, MAX_DRAINED, MAX_HELD_BY_ONE
from edge_lpr.api.signing import FORM
from edge_lpr.cameras import CameraState, CameraStatus
from edge_lpr.errors import ConfigError, ListenError
from edge_lpr.mqtt.connection import ConnectionStatus
from edge_lpr.mqtt.outbox import OutboxStatus
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.gate_state import GateState
from edge_lpr.service.load_control import ReadingStatus
from edge_lpr.service.throughput import Throughput
from edge_lpr.tracking.tracker import TrackerCounts
from edge_lpr.web.clients import parse_address, rate_slot
from tests.support.api import SECRET_ID, ServedApi, StartApi, create_app
from tests.support.clocks import clock

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
SIGNED = "TC3-HMAC-SHA256 Credential={}/DAY/ocr/tc3_request, SignedHeaders=content-type;host, Signature=" + "0" * 64
V1 = {"Action": "LicensePlateOCR", "Version": "2018-11-19"}


class AppClient:
    """The application without a socket, asked by ``peer``."""

    def __init__(self, app: Starlette, peer: str) -> None:
        self._transport = httpx.ASGITransport(app=app, client=(peer, 40000))

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://localhost") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


def app_client(
    tmp_path: Path, peer: str = "127.0.0.1", gate: GateState | None = None, **accounts: Account
) -> AppClient:
    dispatcher = Dispatcher(lambda _: [], QuotaBook(tmp_path), requests_per_second=10, queue=1)
    return AppClient(create_app(dispatcher, accounts, gate), peer)


def code(response: httpx.Response) -> str:
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    return str(response.json()["Response"].get("Error", {"Code": "Success"})["Code"])


@pytest.mark.parametrize("peer", ["192.0.2.7", "fe80::1", "::ffff:192.0.2.7", "testclient", "0.0.0.0"])
def test_without_keys_nobody_else_is_answered(tmp_path: Path, peer: str) -> None:
    client = app_client(tmp_path, peer)
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}):
        assert code(client.post("/", json={}, headers={**HEADERS, **headers})) == "AuthFailure.InvalidAuthorization"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_without_keys_the_device_itself_is(tmp_path: Path, peer: str) -> None:
    assert code(app_client(tmp_path, peer).post("/", json={}, headers={"X-TC-Action": "Other"})) == "MissingParameter"


def test_with_keys_the_device_itself_must_sign_too(tmp_path: Path) -> None:
    client = app_client(tmp_path, AKIDa=Account("AKIDa", "x"))
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
def test_bodies(start_api: StartApi, request_: dict[str, Any], expected: str) -> None:
    api = start_api(keys_file=None)
    own = {"Content-Type": "application/json"} if "content" in request_ else {}
    headers = {**HEADERS, **own, **request_.pop("headers", {})}
    if headers.get("Content-Type") == "FORM":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    assert code(httpx.post(api.url, headers=headers, **request_)) == expected


def test_everything_among_the_parameters(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    more = {"Region": "ap-guangzhou", "Timestamp": "1", "Nonce": "2", "RequestClient": "x", "Language": "zh-CN"}
    for response in (
        httpx.get(api.url, params={**V1, **more, "ImageBase64": "AAAA"}),
        httpx.post(api.url, data={**V1, **more, "ImageBase64": "AAAA"}),
    ):
        assert code(response) == "FailedOperation.ImageDecodeFailed"
    assert code(httpx.get(api.url)) == "MissingParameter"
    assert code(httpx.get(api.url, params={**V1, "Colour": "x"})) == "UnknownParameter"


def test_bodies_too_large_are_read_to_the_end_and_refused(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    headers = {**HEADERS, "Content-Type": "application/json"}
    for _ in range(5):  # more than all bodies together may take: what was taken is given back
        answer = httpx.post(api.url, content=b"x" * (MAX_BODY + 1), headers=headers)
        assert code(answer) == "RequestSizeLimitExceeded"
    assert code(httpx.post(api.url, content=b"{}", headers=headers)) == "MissingParameter"


def test_slow_bodies_of_one_caller_have_a_bound_and_keep_no_other_out(start_api: StartApi) -> None:
    """A form holds its signature in its body: until it is there, all forms are of one caller."""
    api = start_api()
    headers = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {FORM}\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode()
    form = {"ImageBase64": "x" * 100_000}
    with contextlib.ExitStack() as links:
        for _ in range(MAX_HELD_BY_ONE // MAX_BODY):
            link = links.enter_context(socket.create_connection(("127.0.0.1", api.settings.port)))
            link.sendall(headers + b"x" * (MAX_BODY - 1))
        while code(answer := httpx.post(api.url, data=form)) != "RequestLimitExceeded":
            pass  # the last bytes of the others are still on their way
        assert "pictures are on their way" in answer.text
        with pytest.raises(TencentCloudSDKException, match="ImageDecodeFailed"):
            api.client().call_json("LicensePlateOCR", {"ImageBase64": "A" * 1_000_000})
    while code(httpx.post(api.url, data=form)) == "RequestLimitExceeded":
        pass  # until the server has seen that they hung up


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, "AuthFailure.InvalidAuthorization"),
        ({"Authorization": "TC3-HMAC-SHA256 Credential=nobody"}, "AuthFailure.InvalidAuthorization"),
        ({"Authorization": SIGNED.format("nobody"), "X-TC-Timestamp": "NOW"}, "AuthFailure.SecretIdNotFound"),
        ({"Authorization": SIGNED.format(SECRET_ID), "X-TC-Timestamp": "1700000000"}, "AuthFailure.SignatureExpire"),
    ],
    ids=["nothing", "no form", "unknown", "expired"],
)
def test_whom_no_body_can_help_is_refused_before_he_sends_it(
    start_api: StartApi, headers: dict[str, str], expected: str
) -> None:
    api = start_api()
    given = {"Host": "a", "Content-Type": "application/json", "Content-Length": str(MAX_BODY), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    now = f"{time.time():.0f}"
    lines = lines.replace("NOW", now).replace("DAY", time.strftime("%Y-%m-%d", time.gmtime(int(now))))
    with socket.create_connection(("127.0.0.1", api.settings.port), timeout=10) as link:
        link.sendall(f"POST / HTTP/1.1\r\n{lines}\r\n".encode() + b"{")
        answer = HTTPResponse(link)
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
def test_without_keys_no_web_page_of_another_site_is_answered(tmp_path: Path, headers: dict[str, str]) -> None:
    client = app_client(tmp_path)
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
def test_without_keys_whatever_is_of_this_device_is_answered(tmp_path: Path, headers: dict[str, str]) -> None:
    assert code(app_client(tmp_path).post("/", data={**V1, "Action": "Other"}, headers=headers)) == "InvalidAction"


def test_an_address_that_fails_to_authenticate_too_often_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("edge_lpr.api.http_routes.time", clock(lambda: now_s))
    peer = "192.0.2.7"
    other = next(
        each for each in ("192.0.2.8", "192.0.2.9") if rate_slot(parse_address(each)) != rate_slot(parse_address(peer))
    )
    dispatcher = Dispatcher(lambda _: [], QuotaBook(tmp_path), requests_per_second=10, queue=1)
    app = create_app(dispatcher, {"AKIDa": Account("AKIDa", "x")})
    clients = {each: AppClient(app, each) for each in (peer, other, "127.0.0.1")}
    codes = [code(clients[peer].post("/", json={}, headers=HEADERS)) for _ in range(MAX_FAILURES + 2)]
    assert codes == ["AuthFailure.InvalidAuthorization"] * MAX_FAILURES + ["RequestLimitExceeded"] * 2
    assert code(clients[other].post("/", json={}, headers=HEADERS)) == "AuthFailure.InvalidAuthorization"
    for _ in range(MAX_FAILURES + 1):  # a proxy on the device speaks for everybody
        assert code(clients["127.0.0.1"].post("/", json={}, headers=HEADERS)) == "AuthFailure.InvalidAuthorization"
    now_s += 1
    assert code(clients[peer].post("/", json={}, headers=HEADERS)) == "AuthFailure.InvalidAuthorization"


def test_endless_bodies_are_cut_off(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    sent = 0
    with (
        socket.create_connection(("127.0.0.1", api.settings.port), timeout=10) as link,
        contextlib.suppress(ConnectionError, TimeoutError),
    ):
        link.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        while sent < 2 * MAX_DRAINED:
            sent += link.send(b"10000\r\n" + b"x" * 65536 + b"\r\n")
    assert sent < 2 * MAX_DRAINED


def test_a_caller_that_hangs_up_leaves_nothing_behind(start_api: StartApi, caplog: pytest.LogCaptureFixture) -> None:
    api = start_api(keys_file=None)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", api.settings.port)) as link:
            link.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 1_000_000)
    assert code(httpx.get(api.url)) == "MissingParameter"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def gate_state(at_s: float, camera: CameraState = "running") -> GateState:
    outbox = OutboxStatus(2, 1800, 1, 0, 17, True, None, None)
    return GateState(
        at_s,
        CameraStatus("USB camera", camera, None, 100, 3, 1, 0.04),
        PublisherStatus(ConnectionStatus("connected", None, connects=2), outbox, None),
        Throughput(12.5, 40.0, 61.0),
        TrackerCounts(5, 1, 2, 0),
        ReadingStatus(),
    )


def test_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_lpr.service.status_routes.time", clock(lambda: 1000.0))
    assert app_client(tmp_path, "192.0.2.7").get("/healthz").json() == {"Status": "starting"}
    well = app_client(tmp_path, "192.0.2.7", gate_state(999.0)).get("/healthz")
    assert well.status_code == 200
    assert well.json() == {
        "Status": "ok",
        "Camera": "running",
        "CameraFault": None,
        "Broker": "connected",
        "Waiting": 2,
    }
    assert app_client(tmp_path, gate=gate_state(900.0)).get("/healthz").status_code == 503
    assert app_client(tmp_path, gate=gate_state(999.0, "failed")).get("/healthz").status_code == 503


def test_metrics(tmp_path: Path) -> None:
    client = app_client(tmp_path, gate=gate_state(0.0))
    client.get("/")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    assert samples["edge_lpr_api_requests_total", "MissingParameter", "http"] == 1
    assert samples["edge_lpr_api_request_seconds_count", "http"] == 1
    expected = {"frames_captured_total": 100, "frames_dropped_total": 3, "outbox_waiting": 2, "latency_seconds": 0.061}
    for name, value in {**expected, "passages_published_total": 5, "broker_connected": 1}.items():
        assert samples[(f"edge_lpr_{name}",)] == value
    assert "edge_lpr_frames" not in app_client(tmp_path).get("/metrics").text


def test_an_address_that_is_taken_is_one_line(api: ServedApi, start_api: StartApi) -> None:
    with pytest.raises(ListenError, match=r"cannot listen at 127\.0\.0\.1:\d+: .*; change api\.host or api\.port"):
        start_api(port=api.settings.port)
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"):
        start_api(host="192.0.2.1", port=api.settings.port)


def test_a_certificate_that_cannot_be_used_is_one_line(tmp_path: Path, certificates: Path, start_api: StartApi) -> None:
    for name in ("absent.pem", "ca.pem"):
        with pytest.raises(ConfigError, match=r"api\.tls_cert_file: cannot use .*; give a certificate") as caught:
            start_api(tls_cert_file=certificates / name, tls_key_file=certificates / "server.key")
        assert "\n" not in str(caught.value)
