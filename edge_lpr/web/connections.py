"""Limits on connections, so that clients which send little or nothing do not take the place of others.

A connection has ``HEADER_TIMEOUT_S`` for the headers of each request. At most ``MAX_CONNECTIONS`` connections are open.
A new one beyond that closes the oldest connection that waits for its client. A client that sends a request at once is
therefore always served.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT_S = 15

MAX_CONNECTIONS = 256
"""A quarter of the usual limit of open files per process; the camera and the outbox need theirs."""


class HttpProtocol(H11Protocol):
    """uvicorn's protocol with a time limit for headers; uvicorn itself waits for them without limit."""

    descriptor = -1
    """File descriptor of the connection."""

    _header_timer: asyncio.TimerHandle | None = None

    @property
    def waits_for_client(self) -> bool:
        """True while the client has to send something: a request, or the rest of one."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer for the first request."""
        super().connection_made(transport)
        self.descriptor = transport.get_extra_info("socket").fileno()
        self._start_timer()

    def on_response_complete(self) -> None:
        """Starts the timer for the next request."""
        super().on_response_complete()
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        self._stop_timer()
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT_S, self._close_if_idle)

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()

    def _close_if_idle(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


class BoundedListener(socket.socket):
    """A listening socket with at most ``MAX_CONNECTIONS`` open connections.

    It counts a connection when it is accepted, before TLS is negotiated and before uvicorn sees it.
    """

    def __init__(self, fileno: int) -> None:
        """Takes over the listening socket with the descriptor ``fileno``."""
        super().__init__(fileno=fileno)
        self._connections: list[socket.socket] = []
        self.protocols: Collection[asyncio.Protocol] = ()
        """The protocols of the connections that uvicorn has set up."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Returns the next connection and its address.

        Raises ConnectionAbortedError when every connection is busy; the event loop, which calls this, then continues.
        """
        connection, address = super().accept()
        self._connections = [each for each in self._connections if each.fileno() >= 0]
        if len(self._connections) >= MAX_CONNECTIONS and not self._close_oldest_idle():
            connection.close()
            raise ConnectionAbortedError
        self._connections.append(connection)
        return connection, address

    def _close_oldest_idle(self) -> bool:
        protocols = (each for each in self.protocols if isinstance(each, HttpProtocol))
        busy = {each.descriptor for each in protocols if not each.waits_for_client}
        oldest = next((each for each in self._connections if each.fileno() not in busy), None)
        if oldest is None:
            return False
        self._connections.remove(oldest)
        with suppress(OSError):  # the client closed it in this moment
            oldest.shutdown(socket.SHUT_RDWR)  # the event loop owns it: it reads the end and closes it
        return True
