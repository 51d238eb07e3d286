"""Connections of clients that send little or nothing, kept from taking the place of those that ask.

Two bounds. A connection has ``SILENT_S`` for the headers of each request. And there are ``MAX_CONNECTIONS`` at most:
for one more, the oldest of those that still wait for the rest of a request, or for the next one, is hung up on. So a
client that asks at once is served, however many others are open.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

SILENT_S = 15

MAX_CONNECTIONS = 256
"""A quarter of the files that a process may have open as a rule; the camera and the outbox need theirs."""


class Protocol(H11Protocol):
    """uvicorn's, which by itself waits for ever for the headers of a request that has begun."""

    number = -1
    """Of the connection's file."""

    _patience: asyncio.TimerHandle | None = None

    @property
    def is_wanting(self) -> bool:
        """True while the client owes us something: a request, or the rest of one."""
        return self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self.number = transport.get_extra_info("socket").fileno()
        self._wait()

    def on_response_complete(self) -> None:
        """Begin to wait for the next one."""
        super().on_response_complete()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_more()
        self._patience = self.loop.call_later(SILENT_S, self._look)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()

    def _look(self) -> None:
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


class Listener(socket.socket):
    """A listening socket that has no more than ``MAX_CONNECTIONS`` of its connections open.

    It counts at the very beginning, when TLS has yet to be agreed on and uvicorn knows nothing of a connection.
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._links: list[socket.socket] = []
        self.protocols: Collection[asyncio.Protocol] = ()
        """Those of the connections that are set up, as uvicorn knows them."""

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection. Raises ConnectionAbortedError where all others are at work; the event loop, which calls
        this, goes on then."""
        link, address = super().accept()
        self._links = [each for each in self._links if each.fileno() >= 0]
        if len(self._links) >= MAX_CONNECTIONS and not self._makes_room():
            link.close()
            raise ConnectionAbortedError
        self._links.append(link)
        return link, address

    def _makes_room(self) -> bool:
        protocols = (each for each in self.protocols if isinstance(each, Protocol))
        at_work = {each.number for each in protocols if not each.is_wanting}
        oldest = next((link for link in self._links if link.fileno() not in at_work), None)
        if oldest is None:
            return False
        self._links.remove(oldest)
        with suppress(OSError):  # the client hung up in this moment
            oldest.shutdown(socket.SHUT_RDWR)  # the event loop, whose it is, reads its end and closes it
        return True
