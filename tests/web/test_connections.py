"""Clients that keep connections open and send little do not block other clients."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from edge_lpr.web import http_protocol
from edge_lpr.web.connections import MAX_CONNECTIONS
from tests.support.api import FileServer, ServedApi, StartApi

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
BEGINNINGS = (
    b"",
    b"POST / HTTP/1.1\r\nHost: localhost\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
)
"""No data, incomplete headers, and an incomplete body."""


@contextmanager
def idle(api: ServedApi, count: int, *beginnings: bytes) -> Iterator[list[socket.socket]]:
    """Opens ``count`` connections. Each sends one of the beginnings and then nothing."""
    with ExitStack() as stack:
        sockets = []
        for number in range(count):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", api.settings.port), timeout=20))
            client.sendall(beginnings[number % len(beginnings)])
            sockets.append(client)
        yield sockets


def is_closed(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_request_is_answered_while_many_connections_are_idle(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    with idle(api, MAX_CONNECTIONS + 50, *BEGINNINGS) as sockets:
        for _ in range(3):
            answer = httpx.post(api.url, headers=HEADERS, json={}, timeout=20).json()["Response"]
            assert answer["Error"]["Code"] == "MissingParameter"
        assert all(is_closed(client) for client in sockets[:50])


def test_a_tls_request_is_answered_while_many_handshakes_are_idle(start_api: StartApi, certificates: Path) -> None:
    api = start_api(keys_file=None, tls_cert_file=certificates / "server.pem", tls_key_file=certificates / "server.key")
    authority = ssl.create_default_context(cafile=certificates / "ca.pem")
    with idle(api, MAX_CONNECTIONS + 50, b"", b"\x16\x03") as sockets:
        answer = httpx.post(api.url, headers=HEADERS, json={}, timeout=20, verify=authority).json()["Response"]
        assert answer["Error"]["Code"] == "MissingParameter"
        assert all(is_closed(client) for client in sockets[:50])


def test_the_connection_of_a_running_request_is_not_closed(start_api: StartApi, file_server: FileServer) -> None:
    api = start_api(keys_file=None, allow_networks=["127.0.0.1"])
    release = threading.Event()
    file_server.files["/blocked"] = release
    body = {"ImageUrl": file_server.url("/blocked")}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(httpx.post, api.url, headers=HEADERS, json=body, timeout=20)
        assert file_server.requested.wait(20)
        with idle(api, MAX_CONNECTIONS + 50, *BEGINNINGS) as sockets:
            assert all(is_closed(client) for client in sockets[:50])
            release.set()
            assert answer.result().json()["Response"]["Error"]["Code"].startswith("FailedOperation.")


def test_a_connection_without_complete_headers_is_closed_at_the_time_limit(
    start_api: StartApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_TIMEOUT_S", 0.2)
    api = start_api(keys_file=None)
    with idle(api, 4, *BEGINNINGS[:2]) as sockets:
        assert all(is_closed(client) for client in sockets)
    whole = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with idle(api, 1, whole + BEGINNINGS[1]) as (client,):
        received = b"".join(iter(lambda: client.recv(65536), b""))
        assert received.startswith(b"HTTP/1.1 200") and received.count(b"HTTP/1.1") == 1
