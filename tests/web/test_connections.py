"""Clients that hold connections and send little: nobody else waits for them."""

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

from edge_lpr.web import connections
from edge_lpr.web.connections import MAX_CONNECTIONS
from tests.support.api import Pages, ServedApi, StartApi

HEADERS = {"X-TC-Action": "LicensePlateOCR", "X-TC-Version": "2018-11-19"}
BEGINNINGS = (
    b"",
    b"POST / HTTP/1.1\r\nHost: localhost\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{",
)
"""Nothing, headers that never end, and a body that never comes."""


@contextmanager
def idle(api: ServedApi, count: int, *beginnings: bytes) -> Iterator[list[socket.socket]]:
    """Connections of clients that send one of the beginnings and no more."""
    with ExitStack() as stack:
        links = []
        for number in range(count):
            link = stack.enter_context(socket.create_connection(("127.0.0.1", api.settings.port), timeout=20))
            link.sendall(beginnings[number % len(beginnings)])
            links.append(link)
        yield links


def is_hung_up_on(link: socket.socket) -> bool:
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_client_that_asks_is_answered_however_many_are_silent(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    with idle(api, MAX_CONNECTIONS + 50, *BEGINNINGS) as links:
        for _ in range(3):
            answer = httpx.post(api.url, headers=HEADERS, json={}, timeout=20).json()["Response"]
            assert answer["Error"]["Code"] == "MissingParameter"
        assert all(is_hung_up_on(link) for link in links[:50])


def test_over_tls_too_before_anything_is_agreed_on(start_api: StartApi, certificates: Path) -> None:
    api = start_api(keys_file=None, tls_cert_file=certificates / "server.pem", tls_key_file=certificates / "server.key")
    authority = ssl.create_default_context(cafile=certificates / "ca.pem")
    with idle(api, MAX_CONNECTIONS + 50, b"", b"\x16\x03") as links:
        answer = httpx.post(api.url, headers=HEADERS, json={}, timeout=20, verify=authority).json()["Response"]
        assert answer["Error"]["Code"] == "MissingParameter"
        assert all(is_hung_up_on(link) for link in links[:50])


def test_a_request_at_work_is_left_alone(start_api: StartApi, web: Pages) -> None:
    api = start_api(keys_file=None, allow_networks=["127.0.0.1"])
    held = threading.Event()
    web.pages["/held"] = held
    body = {"ImageUrl": web.url("/held")}
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(httpx.post, api.url, headers=HEADERS, json=body, timeout=20)
        assert web.asked.wait(20)
        with idle(api, MAX_CONNECTIONS + 50, *BEGINNINGS) as links:
            assert all(is_hung_up_on(link) for link in links[:50])
            held.set()
            assert asking.result().json()["Response"]["Error"]["Code"].startswith("FailedOperation.")


def test_silence_has_an_end(start_api: StartApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEADER_TIMEOUT_S", 0.2)
    api = start_api(keys_file=None)
    with idle(api, 4, *BEGINNINGS[:2]) as links:
        assert all(is_hung_up_on(link) for link in links)
    whole = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with idle(api, 1, whole + BEGINNINGS[1]) as (link,):
        received = b"".join(iter(lambda: link.recv(65536), b""))
        assert received.startswith(b"HTTP/1.1 200") and received.count(b"HTTP/1.1") == 1
