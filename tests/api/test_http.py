"""The HTTP face beside the SDK: who is answered, content types, forms, large bodies, health and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from edge_lpr.api.body import MAX_BODY, MAX_DRAINED, MAX_HELD
from edge_lpr.api.desk import Desk
from edge_lpr.api.http import create_app
from edge_lpr.api.keys import Account
from edge_lpr.api.metrics import Metrics
from edge_lpr.api.quota import QuotaBook
from edge_lpr.cameras import CameraState, CameraStatus
from edge_lpr.errors import ConfigError, ListenError
from edge_lpr.mqtt.connection import ConnectionStatus
from edge_lpr.mqtt.outbox import OutboxStatus
from edge_lpr.mqtt.publisher import PublisherStatus
from edge_lpr.service.pace import Pace
from edge_lpr.service.state import GateState
from edge_lpr.tracking.tracker import TrackerCounts
from tests.api.conftest import ServedApi, StartApi

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
V1 = {"Action": "LicensePlateOCR", "Version": "2018-11-19"}


class AppClient:
    """The application without a socket, asked by ``peer``."""

    def __init__(self, state_dir: Path, peer: str, gate: GateState | None, accounts: Mapping[str, Account]) -> None:
        desk = Desk(lambda _: [], QuotaBook(state_dir), requests_per_second=10, queue=1)
        app = create_app(desk, accounts, Metrics(lambda: gate), lambda: gate)
        self._transport = httpx.ASGITransport(app=app, client=(peer, 40000))

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://gate") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


def app_client(
    tmp_path: Path, peer: str = "127.0.0.1", gate: GateState | None = None, **accounts: Account
) -> AppClient:
    return AppClient(tmp_path, peer, gate, accounts)


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


def test_all_bodies_together_have_a_bound(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    body = b"x" * (MAX_BODY - 1)
    headers = {**HEADERS, "Content-Type": "application/json"}
    with contextlib.ExitStack() as links:
        for _ in range(MAX_HELD // MAX_BODY):
            link = links.enter_context(socket.create_connection(("127.0.0.1", api.settings.port)))
            link.sendall(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {MAX_BODY}\r\n\r\n".encode() + body)
        while code(answer := httpx.post(api.url, content=b"x" * 100_000, headers=headers)) != "RequestLimitExceeded":
            pass  # the last bytes of the others are still on their way
        assert "pictures are on their way" in answer.text
    while code(httpx.post(api.url, content=b"x" * 100_000, headers=headers)) == "RequestLimitExceeded":
        pass  # until the server has seen that they hung up


def test_endless_bodies_are_cut_off(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    sent = 0
    with (
        socket.create_connection(("127.0.0.1", api.settings.port), timeout=10) as link,
        contextlib.suppress(ConnectionError, TimeoutError),
    ):
        link.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n")
        while sent < 2 * MAX_DRAINED:
            sent += link.send(b"x" * 65536)
    assert sent < 2 * MAX_DRAINED


def test_a_caller_that_hangs_up_leaves_nothing_behind(start_api: StartApi, caplog: pytest.LogCaptureFixture) -> None:
    api = start_api(keys_file=None)
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", api.settings.port)) as link:
            link.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 1_000_000)
    assert code(httpx.get(api.url)) == "MissingParameter"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def gate_state(at_s: float, camera: CameraState = "running") -> GateState:
    outbox = OutboxStatus(2, 1800, 1, 0, 17, True, None, None)
    return GateState(
        at_s,
        CameraStatus("USB camera", camera, None, 100, 3, 1, 0.04),
        PublisherStatus(ConnectionStatus("connected", None, connects=2), outbox, None),
        Pace(12.5, 40.0, 61.0),
        TrackerCounts(5, 1, 2, 0),
    )


def test_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_lpr.api.http.time.monotonic", lambda: 1000.0)
    assert app_client(tmp_path, "192.0.2.7").get("/healthz").json() == {"Status": "starting"}
    well = app_client(tmp_path, "192.0.2.7", gate_state(999.0)).get("/healthz")
    assert well.status_code == 200
    assert well.json() == {"Status": "ok", "Camera": "running", "Broker": "connected", "Waiting": 2}
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
