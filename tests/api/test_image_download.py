"""Downloads of pictures from real servers on loopback: URLs, redirects, limits of size and time, wrong answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.image_download import DownloadPolicy, fetch
from tests.api.photo_site import LOOPBACK, PICTURE, SiteServer, failure


def test_a_picture_is_downloaded(site: SiteServer) -> None:
    assert fetch(site.url(), LOOPBACK) == PICTURE
    path, headers = site.requests[-1]
    assert path == "/photo.jpg"
    assert headers["Host"] == f"127.0.0.1:{site.server_port}"
    assert headers["Accept-Encoding"] == "identity"


def test_a_url_may_contain_chinese_and_encoded_characters(site: SiteServer) -> None:
    fetch(site.url("/车牌/a%20b.jpg?名=京#part"), LOOPBACK)
    assert site.requests[-1][0] == "/%E8%BD%A6%E7%89%8C/a%20b.jpg?%E5%90%8D=%E4%BA%AC"


@pytest.mark.parametrize(
    "url",
    [
        *("", "photo.jpg", "//127.0.0.1/a", "ftp://127.0.0.1/a", "file:///etc/passwd", "data:image/png;base64,AA=="),
        *("http://", "http:///a", "http://user@127.0.0.1/", "http://a:b@127.0.0.1/", "http://127.0.0.1:99999/"),
        *("http://127.0.0.1:x/", "http://[::1/", "http://[fe80::1%25eth0]/", "http://a b/", " http://127.0.0.1/"),
        *("http://127.0.0.1/\r\nX: y", "http://127.0.0.1\\@example.com/", "http://127.0.0.1/\x00", "http://-a/"),
        *("http://ex\u2100ample.com/", "http://" + "a" * 300 + "/", "http://127.0.0.1/" + "a" * 9000),
    ],
)
def test_a_url_that_is_not_a_plain_http_address_is_refused(url: str) -> None:
    assert "`ImageUrl`" in failure(url, expected=ErrorCode.VALUE_LIMIT)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40).map(lambda text: "http://127.0.0.1:1/" + text),
        st.text(max_size=40).map(lambda text: "https://" + text + "@127.0.0.1:1/"),
        st.characters().map(lambda character: f"http://127{character}0.0.1:1/"),
        st.text(max_size=20),
    )
)
def test_any_url_raises_only_api_errors(url: str) -> None:
    with pytest.raises(ApiError):
        fetch(url, replace(LOOPBACK, timeout_s=0.2, allowed_networks=()))


def test_up_to_three_redirects_are_followed(site: SiteServer) -> None:
    assert fetch(site.url("/redirect?/photo.jpg"), LOOPBACK) == PICTURE
    assert fetch(site.url(f"/redirect?{site.url('/redirect?photo.jpg')}"), LOOPBACK) == PICTURE
    before = len(site.requests)
    assert "more than 3 redirects" in failure(site.url("/loop"))
    assert len(site.requests) == before + 4
    assert "leads nowhere" in failure(site.url("/no-location"))


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://192.168.1.1/", "not a public one"),
        ("//169.254.169.254/latest/meta-data", "not a public one"),
        ("http://localhost:1/", "not a public one"),
        ("file:///etc/passwd", "refused"),
        ("http://a:b@127.0.0.1/", "refused"),
    ],
)
def test_the_target_of_each_redirect_is_checked(site: SiteServer, location: str, reason: str) -> None:
    policy = replace(LOOPBACK, allowed_networks=(), allowed_hosts=frozenset({"127.0.0.1"}))
    assert reason in failure(site.url(f"/redirect?{location}"), policy)


def test_errors_of_the_server_are_reported(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    assert "status 404" in failure(site.url("/absent"))
    assert "status 206" in failure(serve_raw(b"HTTP/1.1 206 Partial\r\nContent-Length: 0\r\n\r\n"))
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert "cannot be reached" in failure(f"http://127.0.0.1:{port}/")
    assert "name is not known" in failure("http://no-such-host.invalid/", replace(LOOPBACK, timeout_s=20))


def test_the_size_limit_needs_no_content_length(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    assert len(fetch(site.url("/large?100000"), LOOPBACK)) == 100_000
    assert "more than" in failure(site.url("/large?100001"), expected=ErrorCode.TOO_LARGE_FILE)
    no_length = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(200_000)
    assert "more than" in failure(serve_raw(no_length), expected=ErrorCode.TOO_LARGE_FILE)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"2710\r\n" + bytes(10_000) + b"\r\n") * 20
    assert "more than" in failure(serve_raw(chunked), expected=ErrorCode.TOO_LARGE_FILE)
    long_length = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nsmall"
    assert "more than" in failure(serve_raw(long_length), expected=ErrorCode.TOO_LARGE_FILE)


def test_the_chunks_of_a_body_are_joined(serve_raw: Callable[..., str]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert fetch(serve_raw(answer), LOOPBACK) == b"abcde"


def test_an_incomplete_body_is_an_error(serve_raw: Callable[..., str]) -> None:
    assert "broke off" in failure(serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"))
    assert "not proper HTTP" in failure(serve_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort"))


def test_compressed_answers_are_refused(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    assert "compressed" in failure(site.url("/gzip"))
    compressed = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    assert "not understood" in failure(serve_raw(compressed))


@pytest.mark.parametrize(
    "answer",
    [b"x", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + b"b", b"HTTP/1.1 200 OK\r\nA: b\r\n"],
)
def test_a_slow_answer_ends_at_the_time_limit(serve_raw: Callable[..., str], answer: bytes) -> None:
    url = serve_raw(answer, repeat=True)
    message = failure(url, replace(LOOPBACK, timeout_s=0.4))
    assert "longer than 0.4 s" in message or "not proper HTTP" in message


def test_a_silent_server_ends_at_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}/"
        for scheme in ("http", "https"):
            assert "longer than 0.3 s" in failure(f"{scheme}://{address}", replace(LOOPBACK, timeout_s=0.3))


def test_the_time_limit_includes_redirects(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    slow = serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", repeat=True)
    assert "longer than 0.4 s" in failure(site.url(f"/redirect?{slow}"), replace(LOOPBACK, timeout_s=0.4))


@settings(max_examples=60, deadline=None)
@given(
    head=st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: ", b"HTTP/1.1 200 OK\r\n\r\n"]
    ),
    rest=st.binary(max_size=80),
)
def test_any_answer_raises_only_api_errors(head: bytes, rest: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(4096)
                client.sendall(head + rest)

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        policy = DownloadPolicy(allowed_hosts=frozenset({"127.0.0.1"}), timeout_s=1, max_redirects=0)
        try:
            assert isinstance(fetch(f"http://127.0.0.1:{port}/", policy), bytes)
        except ApiError as error:
            assert error.code == ErrorCode.DOWNLOAD_ERROR
        thread.join()
