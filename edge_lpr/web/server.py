"""The HTTP server: uvicorn in its own thread, without signal handlers and access logs."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from asyncio.sslproto import SSLProtocol
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from edge_lpr.config import ApiSettings
from edge_lpr.errors import ConfigError, ListenError
from edge_lpr.host.tls import server_context
from edge_lpr.web.connections import BoundedListener
from edge_lpr.web.http_protocol import HEADER_TIMEOUT_S, HttpProtocol

STOP_S = 0.5
"""Seconds in which running requests may still be answered at a stop; then their connections are closed."""

_ACCEPTED_AT_ONCE = 8
"""Connections that the event loop accepts before it reads from those that it has."""

_TLS_BUFFER = 32 * 1024
"""Bytes that each TLS connection holds for reading, also during its handshake; asyncio's own value is 256 KB."""

_log = logging.getLogger(__name__)


class WebServer:
    """Serves ``app`` at the address of the settings, over TLS where they name a certificate. A context manager."""

    def __init__(self, app: Starlette, settings: ApiSettings) -> None:
        self._app = app
        self._settings = settings
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL at which it is served."""
        scheme = "http" if self._settings.tls_cert_file is None else "https"
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        return f"{scheme}://{host}:{self._settings.port}"

    def start(self) -> None:
        """Starts serving.

        Raises ListenError for an address, ConfigError for a certificate that cannot be used.
        """
        # uvicorn logs every start and stop, and every scanner that sends no HTTP.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        context = tls_context(self._settings)
        SSLProtocol.max_size = _TLS_BUFFER
        config = uvicorn.Config(
            self._app,
            http=HttpProtocol,  # h11 bounds the size of headers; httptools does not
            loop="asyncio",  # other event loops do not call the listener's accept()
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # X-Forwarded-For could make any client look local
            server_header=False,
            backlog=_ACCEPTED_AT_ONCE,
            timeout_keep_alive=HEADER_TIMEOUT_S,
            timeout_graceful_shutdown=1,
        )
        config.load()
        config.ssl = context
        listener = _listen(self._settings)
        self._server = uvicorn.Server(config)
        listener.protocols = self._server.server_state.connections
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="api-http")
        self._thread.start()
        _log.info("serving at %s", self.url)

    def stop(self) -> None:
        """Lets running requests finish for up to ``STOP_S`` seconds, then closes."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(STOP_S)
            self._server.force_exit = True
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def tls_context(settings: ApiSettings) -> ssl.SSLContext | None:
    """Returns TLS 1.2 or newer with the certificate of the settings; None without one. Raises ConfigError."""
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    try:
        return server_context(settings.tls_cert_file, settings.tls_key_file)
    except OSError as error:
        raise ConfigError(
            f"api.tls_cert_file: cannot use {settings.tls_cert_file} with {settings.tls_key_file}:"
            f" {error.strerror or error}; give a certificate in PEM form, and its key without password"
        ) from error


def _listen(settings: ApiSettings) -> BoundedListener:
    address = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = BoundedListener(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"api.host: {address}: {error.strerror}; give an address of this device") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen()
    except OSError as error:
        listener.close()
        raise ListenError(f"api: cannot listen at {address}: {error.strerror}; change api.host or api.port") from error
    return listener
