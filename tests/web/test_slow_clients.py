"""Clients that do not read, or send what costs more than it should, keep nobody else from the server."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from edge_lpr.web import http_protocol
from edge_lpr.web.connections import MAX_CONNECTIONS, MAX_PER_ADDRESS
from tests.support.api import ServedApi, StartApi
from tests.web.test_connections import is_closed

ASK = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
HEADERS_OF_BODY = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(params=["http", "https"])
def start_either(request: pytest.FixtureRequest, start_api: StartApi, certificates: Path) -> Callable[[], ServedApi]:
    """Returns a function that serves without keys, over http and over https."""
    if request.param == "http":
        return lambda: start_api(keys_file=None)
    cert, key = certificates / "server.pem", certificates / "server.key"
    return lambda: start_api(keys_file=None, tls_cert_file=cert, tls_key_file=key)


def connect(api: ServedApi, source: str = "127.0.0.1", window: int | None = None) -> socket.socket:
    client = socket.socket()
    if window is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client.settimeout(20)
    client.bind((source, 0))
    client.connect(("127.0.0.1", api.settings.port))
    if api.settings.tls_cert_file is None:
        return client
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(client)


def ask_without_reading(client: socket.socket) -> None:
    """Sends requests until the server takes no more, and reads nothing."""
    client.setblocking(False)
    try:
        for _ in range(1000):
            client.send(ASK)
    except OSError:  # its window is full, or the server has closed it for another one
        pass
    finally:
        client.settimeout(20)


@contextmanager
def readers_that_do_not_read(api: ServedApi, count: int, addresses: int = 1) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        sources = [f"127.0.0.{number % addresses + 1}" for number in range(count)]
        clients = [stack.enter_context(connect(api, source, window=2048)) for source in sources]
        for client in clients:
            ask_without_reading(client)
        yield clients


def healthz(api: ServedApi) -> int:
    return httpx.get(f"{api.url}/healthz", timeout=20, verify=False).status_code


@pytest.mark.parametrize("addresses", [1, 5])
def test_answers_that_are_never_read_keep_nobody_out(start_either: Callable[[], ServedApi], addresses: int) -> None:
    api = start_either()
    with readers_that_do_not_read(api, MAX_CONNECTIONS + 10, addresses):
        assert [healthz(api) for _ in range(5)] == [200] * 5


def test_a_client_that_does_not_read_is_closed_at_the_time_limit(
    start_either: Callable[[], ServedApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "WRITE_TIMEOUT_S", 0.2)
    api = start_either()
    with readers_that_do_not_read(api, 2) as (silent, slow):
        slow.recv(100)
        for client in (silent, slow):
            # The server has closed it when a write fails; nothing is read that could let it go on.
            with pytest.raises((ConnectionError, ssl.SSLError)):
                while True:
                    client.send(b"x" * 1000)


def test_a_tls_handshake_that_is_never_finished_is_closed_at_the_time_limit(
    start_api: StartApi, certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_protocol, "HEADER_TIMEOUT_S", 0.2)
    api = start_api(keys_file=None, tls_cert_file=certificates / "server.pem", tls_key_file=certificates / "server.key")
    for beginning in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"):
        with socket.create_connection(("127.0.0.1", api.settings.port), timeout=20) as client:
            client.sendall(beginning)
            assert is_closed(client)


def test_an_address_with_many_connections_closes_its_own(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    with ExitStack() as stack:
        other = stack.enter_context(connect(api, "127.0.0.2"))
        many = [stack.enter_context(connect(api)) for _ in range(MAX_PER_ADDRESS + 20)]
        assert healthz(api) == 200
        assert all(is_closed(client) for client in many[:20])
        other.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert other.recv(15) == b"HTTP/1.1 200 OK"


def test_the_network_with_most_connections_makes_room_for_others(start_api: StartApi) -> None:
    api = start_api(keys_file=None)
    with ExitStack() as stack:
        first = stack.enter_context(connect(api, "127.0.0.9"))
        for number in range(MAX_CONNECTIONS + 40):  # from five addresses, each of which has more than the first
            stack.enter_context(connect(api, f"127.0.1.{number % 5 + 1}"))
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.recv(15) == b"HTTP/1.1 200 OK"


def test_many_requests_behind_one_another_end_the_connection(start_either: Callable[[], ServedApi]) -> None:
    api = start_either()
    asked = 2000
    with connect(api) as client:
        try:
            client.sendall(ASK * asked)
            answers = b"".join(iter(lambda: client.recv(1 << 20), b""))
        except (ConnectionError, ssl.SSLError):  # the rest of the requests was not read
            return
    assert answers.count(b"HTTP/1.1 200") < asked


def test_requests_one_after_another_use_one_connection(start_either: Callable[[], ServedApi]) -> None:
    with httpx.Client(base_url=start_either().url, verify=False, limits=httpx.Limits(max_connections=1)) as client:
        streams = [client.get("/openapi.json").extensions["network_stream"] for _ in range(20)]
        assert len({stream.get_extra_info("client_addr") for stream in streams}) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 20_000 + b"\r\n",
        b"GET /?" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 100_000 + b"\r\n\r\n",
        HEADERS_OF_BODY + b"1\r\na\r\n" * 20_000,
        HEADERS_OF_BODY + b"1;" + b"x" * 100_000,
        HEADERS_OF_BODY + b"0\r\n" + b"a: b\r\n" * 20_000,
        HEADERS_OF_BODY + b"-1\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n",
    ],
    ids=[
        *("many headers", "long query", "long header", "tiny chunks", "chunk extension", "many trailers"),
        *("negative chunk", "negative length", "long length", "two lengths", "bad chunk behind an answer"),
    ],
)
def test_what_costs_more_than_a_request_is_refused_without_a_line_in_the_log(
    start_either: Callable[[], ServedApi], sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    api = start_either()
    with connect(api) as client:
        try:
            client.sendall(sent)
            answer = b"".join(iter(lambda: client.recv(1 << 20), b""))
        except (ConnectionError, ssl.SSLError):  # the rest was not read
            answer = b""
    assert not answer or answer.startswith(b"HTTP/1.1 400") or b'"Error"' in answer
    assert healthz(api) == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
