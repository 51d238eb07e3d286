"""Web servers on loopback that the download tests request pictures from."""

from __future__ import annotations

import gzip
import ssl
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.image_download import DownloadPolicy, fetch

PICTURE = bytes(range(256)) * 40
LOOPBACK = DownloadPolicy(allowed_networks=(ip_network("127.0.0.0/8"),), max_bytes=100_000)


def failure(url: str, policy: DownloadPolicy = LOOPBACK, expected: ErrorCode = ErrorCode.DOWNLOAD_ERROR) -> str:
    """Asserts that the download fails with the code ``expected``. Returns the message."""
    with pytest.raises(ApiError) as caught:
        fetch(url, policy)
    assert caught.value.code == expected, caught.value.message
    return caught.value.message


class Site(BaseHTTPRequestHandler):
    """Serves one picture, and paths with redirects, errors, compression and large bodies."""

    server: SiteServer

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers.items())))
        path, _, query = self.path.partition("?")
        if path == "/redirect":
            self.send_response(302)
            self.send_header("Location", query)
            self.end_headers()
        elif path == "/loop":
            self.send_response(307)
            self.send_header("Location", "/loop")
            self.end_headers()
        elif path == "/no-location":
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
    """A server on 127.0.0.1, with TLS if there is a context. ``requests`` holds the path and headers of each one."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Site)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.scheme = "http" if context is None else "https"
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)

    def handle_error(self, *_: object) -> None:
        """Logs nothing: clients that close the connection early are part of these tests."""

    def url(self, path: str = "/photo.jpg", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.server_port}{path}"
