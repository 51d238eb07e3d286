"""Answers of servers that lie about lengths, never end, or cost more than a picture."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.image_download import fetch
from tests.api.photo_site import LOOPBACK, failure

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = 64 * 1024 * 1024
"""Bytes after which the endless server gives up; far more than a download may read."""


@contextmanager
def endless(beginning: bytes, block: bytes) -> Iterator[tuple[str, list[int]]]:
    """Serves one answer that goes on with ``block`` for ever. Yields the URL, and the bytes that were taken."""
    taken = [0]
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            client.settimeout(10)
            with client:
                try:
                    client.recv(65536)
                    client.sendall(beginning)
                    while taken[0] < ENDLESS:
                        taken[0] += client.send(block)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", taken
        thread.join()


@pytest.mark.parametrize(
    "size",
    [
        *(b"-1", b"-5", b"+5", b"-0", b"0x5", b"1_0", b" 5", b"\t5", b"", b"g", b"5 5", b"5\x00", b"\xb5"),
        *(b"f" * 21, b"f" * 5000, b"5;" + b"x" * 100_000),
    ],
    ids=lambda size: ascii(size[:12]),
)
def test_a_chunk_size_that_is_no_number_is_refused(size: bytes) -> None:
    with endless(CHUNKED + size + b"\r\n", b"x" * 65536) as (url, taken):
        assert "not proper HTTP" in failure(url)
    assert taken[0] < ENDLESS


@pytest.mark.parametrize(
    "length",
    [
        *(b"-1", b"-5", b"+5", b"0x5", b"1_0", b"5 5", b"5,6", b"five", b"", b"9" * 21, b"9" * 5000),
        b"5\r\nContent-Length: 6",
    ],
    ids=lambda length: ascii(length[:12]),
)
def test_a_content_length_that_is_no_number_is_refused(length: bytes) -> None:
    with endless(OK + b"Content-Length: " + length + b"\r\n\r\n", b"x" * 65536) as (url, taken):
        assert "not proper HTTP" in failure(url)
    assert taken[0] < ENDLESS


@pytest.mark.parametrize(
    ("beginning", "block"),
    [
        (OK, b"A: b\r\n" * 1000),
        (OK + b"A: ", b"b" * 65536),
        (b"", b"x" * 65536),
        (b"HTTP/1.1 200 ", b"x" * 65536),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        (b"", b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" * 1000),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", b"x" * 65536),
        (CHUNKED + b"5;", b"x" * 65536),
        (CHUNKED, (b"1;" + b"x" * 1000 + b"\r\na\r\n") * 60),
        (CHUNKED, b"1\r\na\r\n" * 10_000),
        (CHUNKED + b"0\r\n", b"A: b\r\n" * 1000),
        (b"<html>", b"HTTP/0.9" * 8000),
        (OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n", b"5\r\nabcde\r\n" * 6000),
        (OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", b"5\r\nabcde\r\n" * 6000),
    ],
    ids=[
        *("headers", "one header", "no answer", "reason", "100", "103", "101", "chunk extension", "chunk extensions"),
        *("tiny chunks", "trailers", "0.9", "chunked twice", "two encodings"),
    ],
)
def test_an_answer_without_end_is_given_up_early(beginning: bytes, block: bytes) -> None:
    with endless(beginning, block) as (url, taken):
        message = failure(url, replace(LOOPBACK, timeout_s=20))
    assert "longer than" not in message
    assert taken[0] < ENDLESS


def test_a_body_without_end_is_too_large() -> None:
    for beginning, block in (
        (OK + b"\r\n", b"x" * 65536),
        (OK + b"Content-Length: 99999999999999999999\r\n\r\n", b"x" * 65536),
        (CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (CHUNKED + b"f" * 16 + b"\r\n", b"x" * 65536),
    ):
        with endless(beginning, block) as (url, taken):
            failure(url, replace(LOOPBACK, timeout_s=20), ErrorCode.TOO_LARGE_FILE)
        assert taken[0] < ENDLESS


def test_proper_answers_of_plain_servers_are_read(serve_raw: Callable[..., str]) -> None:
    for answer in (
        b"HTTP/1.0 200 OK\r\n\r\nphoto",
        b"HTTP/1.1 200\r\n\r\nphoto",
        b"HTTP/1.1 200 OK\nContent-Length: 5\n\nphoto",
        OK + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nphoto",
        OK + b"Content-Length: 7\r\nTransfer-Encoding: Chunked\r\n\r\n5;a=b\r\nphoto\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\nphoto",
        OK + b"Server: \xe4\xba\xac\r\nContent-Encoding: identity\r\n\r\nphoto",
    ):
        assert fetch(serve_raw(answer), LOOPBACK) == b"photo", answer


def test_a_server_that_says_nothing_is_an_error(serve_raw: Callable[..., str]) -> None:
    for answer in (b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"):
        with pytest.raises(ApiError) as caught:
            fetch(serve_raw(answer), LOOPBACK)
        assert caught.value.code == ErrorCode.DOWNLOAD_ERROR
