"""Downloads against real servers on loopback, well-behaved and hostile, and the rule of which addresses are reached."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_lpr.api.addresses import is_public
from edge_lpr.api.build import create_dispatcher
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.image_download import DownloadPolicy, fetch
from edge_lpr.config import ApiSettings, DeviceSettings
from edge_lpr.config.api import parse_network
from edge_lpr.errors import ConfigError

PICTURE = bytes(range(256)) * 40
LOOPBACK = DownloadPolicy(allowed_networks=(ip_network("127.0.0.0/8"),), max_bytes=100_000)


def failure(url: str, policy: DownloadPolicy = LOOPBACK, fault: ErrorCode = ErrorCode.DOWNLOAD_ERROR) -> str:
    """The message of a download that fails as it should."""
    with pytest.raises(ApiError) as caught:
        fetch(url, policy)
    assert caught.value.code == fault, caught.value.message
    return caught.value.message


class Site(BaseHTTPRequestHandler):
    """A web server with one picture and some ways around it. Its ``seen`` are the requests."""

    server: SiteServer

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers.items())))
        path, _, query = self.path.partition("?")
        if path == "/redirect":
            self.send_response(302)
            self.send_header("Location", query)
            self.end_headers()
        elif path == "/round":
            self.send_response(307)
            self.send_header("Location", "/round")
            self.end_headers()
        elif path == "/nowhere":
            self.send_response(301)
            self.end_headers()
        elif path == "/gzip":
            self._send(gzip.compress(PICTURE), **{"Content-Encoding": "gzip"})
        elif path == "/absent":
            self.send_error(404)
        elif path == "/large":
            self._send(bytes(int(query)))
        else:
            self._send(PICTURE)

    def _send(self, body: bytes, **headers: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


class SiteServer(ThreadingHTTPServer):
    """On 127.0.0.1, with TLS if there is a context."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Site)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.scheme = "http" if context is None else "https"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_: object) -> None:
        """Clients that go away in the middle are part of these tests."""

    def url(self, path: str = "/photo.jpg", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.server_port}{path}"


@pytest.fixture(scope="module")
def start_site() -> Iterator[Callable[..., SiteServer]]:
    """Start a site; it is stopped at the end."""
    with ExitStack() as cleanup:

        def start(context: ssl.SSLContext | None = None) -> SiteServer:
            server = SiteServer(context)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            cleanup.callback(server.server_close)
            cleanup.callback(thread.join)
            cleanup.callback(server.shutdown)
            return server

        yield start


@pytest.fixture(scope="module")
def site(start_site: Callable[..., SiteServer]) -> SiteServer:
    """One without TLS."""
    return start_site()


@pytest.fixture
def serve_raw() -> Iterator[Callable[..., str]]:
    """Serve one connection by writing what a generator gives, in small pieces if ``drip``; the URL to ask."""
    with ExitStack() as cleanup:

        def start(answer: bytes, *, drip: bool = False) -> str:
            listener = socket.create_server(("127.0.0.1", 0))
            stop = threading.Event()

            def serve() -> None:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.settimeout(5)
                    try:
                        client.recv(65536)
                        if drip:
                            while not stop.wait(0.02):
                                client.sendall(answer)
                        else:
                            client.sendall(answer)
                            client.shutdown(socket.SHUT_WR)
                            client.recv(65536)
                    except OSError:
                        return

            thread = threading.Thread(target=serve)
            thread.start()
            cleanup.callback(listener.close)
            cleanup.callback(thread.join)
            cleanup.callback(stop.set)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/photo.jpg"

        yield start


def test_a_picture_is_fetched(site: SiteServer) -> None:
    assert fetch(site.url(), LOOPBACK) == PICTURE
    path, headers = site.seen[-1]
    assert path == "/photo.jpg"
    assert headers["Host"] == f"127.0.0.1:{site.server_port}"
    assert headers["Accept-Encoding"] == "identity"


def test_a_url_may_hold_chinese_and_encoded_characters(site: SiteServer) -> None:
    fetch(site.url("/车牌/a%20b.jpg?名=京#part"), LOOPBACK)
    assert site.seen[-1][0] == "/%E8%BD%A6%E7%89%8C/a%20b.jpg?%E5%90%8D=%E4%BA%AC"


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
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    assert "`ImageUrl`" in failure(url, fault=ErrorCode.VALUE_LIMIT)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.text(max_size=40).map(lambda text: "http://127.0.0.1:1/" + text),
        st.text(max_size=40).map(lambda text: "https://" + text + "@127.0.0.1:1/"),
        st.characters().map(lambda character: f"http://127{character}0.0.1:1/"),
        st.text(max_size=20),
    )
)
def test_whatever_the_url_only_api_errors_are_raised(url: str) -> None:
    with pytest.raises(ApiError):
        fetch(url, replace(LOOPBACK, timeout_s=0.2, allowed_networks=()))


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0", "localhost", "LOCALHOST."),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *("10.0.0.1", "192.168.1.1", "172.31.0.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255"),
        *("[fe80::1]", "[fd00::1]", "[ff02::1]", "[fec0::1]", "１２７.0.0.1"),
    ],
)
def test_inner_addresses_are_refused_in_any_notation(site: SiteServer, host: str) -> None:
    before = len(site.seen)
    message = failure(site.url(host=host), DownloadPolicy())
    assert "not a public one" in message or "name is not known" in message
    assert len(site.seen) == before


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2400:3200::1", "2a00::1"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_no_special_address_is_public(address: object) -> None:
    v4 = ip_address(str(address))
    if v4.is_private or v4.is_loopback or v4.is_link_local or v4.is_multicast or v4.is_reserved or v4.is_unspecified:
        assert not is_public(v4)
    for embedding in (f"::ffff:{v4}", f"64:ff9b::{v4}", f"::{v4}"):
        assert not is_public(ip_address(embedding))


def test_an_allowed_host_is_reached_by_its_name_only(site: SiteServer) -> None:
    policy = DownloadPolicy(allowed_hosts=frozenset({"localhost"}))
    assert fetch(site.url(host="LocalHost."), policy) == PICTURE
    assert "not a public one" in failure(site.url(), policy)


def test_an_allowed_network_covers_addresses_mapped_into_ipv6(site: SiteServer) -> None:
    assert fetch(site.url(host="[::ffff:127.0.0.1]"), LOOPBACK) == PICTURE
    only_lan = replace(LOOPBACK, allowed_networks=(parse_network("192.168.1.0/24"),))
    assert "not a public one" in failure(site.url(), only_lan)


def test_a_name_is_looked_up_once(site: SiteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that turns on us: public while we check, loopback when we connect. Its part is played here."""
    real = socket.getaddrinfo
    answers: list[str] = []

    def turncoat(host: str, *arguments: Any, **options: Any) -> object:
        assert host == "rebinding.example"
        answers.append("127.0.0.1" if not answers else "169.254.169.254")
        return real(answers[-1], *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", turncoat)
    assert fetch(site.url(host="rebinding.example"), LOOPBACK) == PICTURE
    assert answers == ["127.0.0.1"]
    assert site.seen[-1][1]["Host"] == f"rebinding.example:{site.server_port}"


def test_redirects_are_followed_a_few_times(site: SiteServer) -> None:
    assert fetch(site.url("/redirect?/photo.jpg"), LOOPBACK) == PICTURE
    assert fetch(site.url(f"/redirect?{site.url('/redirect?photo.jpg')}"), LOOPBACK) == PICTURE
    before = len(site.seen)
    assert "more than 3 redirects" in failure(site.url("/round"))
    assert len(site.seen) == before + 4
    assert "leads nowhere" in failure(site.url("/nowhere"))


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
def test_each_redirect_is_checked_anew(site: SiteServer, location: str, reason: str) -> None:
    policy = replace(LOOPBACK, allowed_networks=(), allowed_hosts=frozenset({"127.0.0.1"}))
    assert reason in failure(site.url(f"/redirect?{location}"), policy)


def test_errors_of_the_server_are_named(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    assert "status 404" in failure(site.url("/absent"))
    assert "status 206" in failure(serve_raw(b"HTTP/1.1 206 Partial\r\nContent-Length: 0\r\n\r\n"))
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert "cannot be reached" in failure(f"http://127.0.0.1:{port}/")
    assert "name is not known" in failure("http://no-such-host.invalid/", replace(LOOPBACK, timeout_s=20))


def test_size_is_bounded_whatever_is_claimed(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    assert len(fetch(site.url("/large?100000"), LOOPBACK)) == 100_000
    assert "more than" in failure(site.url("/large?100001"), fault=ErrorCode.TOO_LARGE_FILE)
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + bytes(200_000)
    assert "more than" in failure(serve_raw(endless), fault=ErrorCode.TOO_LARGE_FILE)
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"2710\r\n" + bytes(10_000) + b"\r\n") * 20
    assert "more than" in failure(serve_raw(chunked), fault=ErrorCode.TOO_LARGE_FILE)
    claimed = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nsmall"
    assert "more than" in failure(serve_raw(claimed), fault=ErrorCode.TOO_LARGE_FILE)


def test_a_body_in_chunks_is_put_together(serve_raw: Callable[..., str]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert fetch(serve_raw(answer), LOOPBACK) == b"abcde"


def test_a_body_that_breaks_off_is_no_picture(serve_raw: Callable[..., str]) -> None:
    assert "broke off" in failure(serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"))
    assert "not proper HTTP" in failure(serve_raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort"))


def test_compressed_answers_are_refused(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    assert "compressed" in failure(site.url("/gzip"))
    squeezed = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    assert "not understood" in failure(serve_raw(squeezed))


@pytest.mark.parametrize(
    "drop", [b"x", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n" + b"b", b"HTTP/1.1 200 OK\r\nA: b\r\n"]
)
def test_a_server_that_trickles_is_left_in_time(serve_raw: Callable[..., str], drop: bytes) -> None:
    url = serve_raw(drop, drip=True)
    message = failure(url, replace(LOOPBACK, timeout_s=0.4))
    assert "longer than 0.4 s" in message or "not proper HTTP" in message


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}/"
        for scheme in ("http", "https"):
            assert "longer than 0.3 s" in failure(f"{scheme}://{address}", replace(LOOPBACK, timeout_s=0.3))


def test_time_runs_on_over_redirects(site: SiteServer, serve_raw: Callable[..., str]) -> None:
    slow = serve_raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", drip=True)
    assert "longer than 0.4 s" in failure(site.url(f"/redirect?{slow}"), replace(LOOPBACK, timeout_s=0.4))


@settings(max_examples=60, deadline=None)
@given(
    head=st.sampled_from(
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 302 Found\r\nLocation: ", b"HTTP/1.1 200 OK\r\n\r\n"]
    ),
    rest=st.binary(max_size=80),
)
def test_whatever_the_server_says_only_api_errors_are_raised(head: bytes, rest: bytes) -> None:
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


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and leaf.pem + leaf.key for ``localhost``."""
    folder = tmp_path_factory.mktemp("tls")
    request = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    )
    ca = ("-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    leaf = ("-subj", "/CN=leaf", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "leaf.key", "-out", "leaf.pem")
    for arguments in (ca, leaf + signed):
        subprocess.run(request + arguments, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def names_asked_for() -> list[str | None]:
    """By the clients of ``secure_site``."""
    return []


@pytest.fixture(scope="module")
def secure_site(
    start_site: Callable[..., SiteServer], authority: Path, names_asked_for: list[str | None]
) -> SiteServer:
    """One with TLS, which notes the name it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "leaf.pem", authority / "leaf.key")
    context.sni_callback = lambda _socket, name, _context: names_asked_for.append(name)
    return start_site(context)


def test_https_is_verified_by_name_at_the_pinned_address(
    secure_site: SiteServer, names_asked_for: list[str | None], authority: Path
) -> None:
    hosts = frozenset({"localhost", "127.0.0.1"})
    policy = replace(LOOPBACK, allowed_hosts=hosts, ca_file=authority / "ca.pem")
    assert fetch(secure_site.url(host="localhost"), policy) == PICTURE
    assert names_asked_for[-1] == "localhost"
    assert "certificate is not accepted" in failure(secure_site.url(), policy)
    assert "certificate is not accepted" in failure(secure_site.url(host="localhost"), replace(policy, ca_file=None))


def test_an_authority_that_cannot_be_used_is_found_at_the_start(authority: Path, tmp_path: Path) -> None:
    device = DeviceSettings(state_dir=tmp_path)
    for name, reason in (("absent.pem", "No such file"), ("leaf.key", "holds no certificate")):
        settings = ApiSettings(download_ca_file=authority / name)
        with pytest.raises(
            ConfigError, match=rf"api\.download_ca_file: cannot use .*{name}: {reason}.*; give the"
        ) as told:
            create_dispatcher(settings, device, lambda _: [])
        assert "\n" not in str(told.value)


def test_https_leads_to_no_http_and_http_may_lead_to_https(
    site: SiteServer, secure_site: SiteServer, authority: Path
) -> None:
    policy = replace(LOOPBACK, allowed_hosts=frozenset({"localhost"}), ca_file=authority / "ca.pem")
    secure = secure_site.url(host="localhost")
    assert fetch(site.url(f"/redirect?{secure}"), policy) == PICTURE
    leaving = secure_site.url(f"/redirect?{site.url()}", host="localhost")
    assert "from https to http" in failure(leaving, policy)


def test_plain_speech_on_a_tls_port_is_an_error(site: SiteServer) -> None:
    assert "TLS failed" in failure(site.url().replace("http:", "https:"))
