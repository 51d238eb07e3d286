"""Fixtures of the download tests: web servers on loopback."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.api.photo_site import SiteServer


@pytest.fixture(scope="module")
def start_site() -> Iterator[Callable[..., SiteServer]]:
    """Returns a function that starts a site. All sites are stopped after the tests of the file."""
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
    """A running site without TLS."""
    return start_site()


@pytest.fixture
def serve_raw() -> Iterator[Callable[..., str]]:
    """Returns a function that serves one connection with raw bytes, repeatedly if ``repeat``. It returns the URL."""
    with ExitStack() as cleanup:

        def start(answer: bytes, *, repeat: bool = False) -> str:
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
                        if repeat:
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
