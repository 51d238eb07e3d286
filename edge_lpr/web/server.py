"""The HTTP server: uvicorn in its own thread, without signal handlers and access logs."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn
from starlette.applications import Starlette

from edge_lpr.config import ApiSettings
from edge_lpr.web.connections import BoundedListener
from edge_lpr.web.http_protocol import HEADER_TIMEOUT_S, HttpProtocol
from edge_lpr.web.listening import listen, tls_context

STOP_S = 0.5
"""Seconds in which running requests may still be answered at a stop; then their connections are closed."""

_ACCEPTED_AT_ONCE = 8
"""Connections that the event loop accepts before it reads from those that it has."""

_TLS_BUFFER = 32 * 1024
"""Bytes that each TLS connection holds for reading, also during its handshake; asyncio's own value is 256 KB."""

_log = logging.getLogger(__name__)


class WebServer:
    """Serves ``app`` at the address of the settings, over TLS where they name a certificate. A context manager."""

    def __init__(
        self,
        app: Starlette,
        settings: ApiSettings,
        *,
        listener: socket.socket | None = None,
        on_tick: Callable[[], None] | None = None,
    ) -> None:
        """Nothing is opened yet.

        ``listener`` is a listening socket, which stays open; without it one is opened. ``on_tick`` is called once a
        second by the event loop while it works.
        """
        self._app = app
        self._listener = listener
        self._on_tick = on_tick
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
        logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
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
        opened = listen(self._settings) if self._listener is None else self._listener.dup()
        listener = BoundedListener(fileno=opened.detach())
        self._server = _Server(config, self._on_tick)
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


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """Whether ``record`` is about anything but a request that was cancelled, as a stop cancels those that run."""
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)


class _Server(uvicorn.Server):
    """uvicorn's server with a sign of life."""

    def __init__(self, config: uvicorn.Config, on_tick: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._call = on_tick

    async def on_tick(self, counter: int) -> bool:
        """Runs ten times a second in the event loop."""
        if self._call is not None and counter % 10 == 0:
            self._call()
        return await super().on_tick(counter)
