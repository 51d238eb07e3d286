"""Limits on the number of connections, so that clients which wait do not take the place of others.

At most ``MAX_PER_ADDRESS`` connections of one address are open, and ``MAX_CONNECTIONS`` of all. A new one beyond that
closes the oldest connection that waits for its client: one of the same address, or one of the network with the most
connections. A client that sends a request at once, and reads the answer, is therefore always served.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from edge_lpr.web import http_protocol
from edge_lpr.web.clients import network_of, parse_address
from edge_lpr.web.http_protocol import HttpProtocol

MAX_CONNECTIONS = 256
"""A quarter of the usual limit of open files per process; the camera and the outbox need theirs."""

MAX_PER_ADDRESS = 128
"""A proxy on the device has the address of the device."""

_BACKLOG = 512
_SEND_BUFFER = 64 * 1024
_RECEIVE_BUFFER = 256 * 1024
"""The system's buffers of a connection in bytes. It would let clients that do not read fill megabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class _Connection:
    """An open connection. ``address`` and ``network`` name its client."""

    socket: socket.socket
    address: str
    network: str


class BoundedListener(socket.socket):
    """A listening socket with a bounded number of open connections.

    It counts a connection when it is accepted, before TLS is negotiated and before uvicorn sees it.
    """

    def __init__(self, fileno: int) -> None:
        """Takes over the listening socket with the descriptor ``fileno``."""
        super().__init__(fileno=fileno)
        self._connections: list[_Connection] = []
        self.protocols: Collection[asyncio.Protocol] = ()
        """The protocols of the connections that uvicorn has set up."""

    def listen(self, _backlog: int = 0) -> None:
        """Listens with this module's backlog.

        asyncio accepts as many connections at a time as the backlog that it is given. It is given a small one, so that
        connections are read before so many others are accepted that they would be closed.
        """
        for option, size in ((socket.SO_SNDBUF, _SEND_BUFFER), (socket.SO_RCVBUF, _RECEIVE_BUFFER)):
            self.setsockopt(socket.SOL_SOCKET, option, size)  # accepted connections inherit them
        super().listen(_BACKLOG)

    def accept(self) -> tuple[socket.socket, Any]:
        """Returns the next connection and its address.

        Raises ConnectionAbortedError when every connection is busy; the event loop, which calls this, then continues.
        """
        accepted, peer = super().accept()
        address = parse_address(peer[0])
        connection = _Connection(accepted, str(address), str(network_of(address)))
        self._connections = [each for each in self._connections if each.socket.fileno() >= 0]
        if not self._has_place(connection):
            accepted.close()
            raise ConnectionAbortedError
        self._connections.append(connection)
        loop = asyncio.get_running_loop()
        loop.call_later(http_protocol.HEADER_TIMEOUT_S, self._close_without_protocol, connection)
        return accepted, peer

    def _has_place(self, new: _Connection) -> bool:
        """Returns whether ``new`` may stay open. Closes a connection for it if necessary."""
        own = [each for each in self._connections if each.address == new.address]
        if len(own) >= MAX_PER_ADDRESS:
            return self._close_one(own)
        if len(self._connections) >= MAX_CONNECTIONS:
            counts = Counter(each.network for each in self._connections)
            return self._close_one(sorted(self._connections, key=lambda each: -counts[each.network]))
        return True

    def _close_one(self, connections: Iterable[_Connection]) -> bool:
        """Closes the first connection that waits for its client; best one from which no byte is left to be read."""
        protocols = self._protocols()
        late: _Connection | None = None
        for each in connections:
            protocol = protocols.get(each.socket.fileno())
            if protocol is not None and not protocol.waits_for_client:
                continue
            if (protocol is not None and protocol.is_blocked) or not _has_unread(each.socket):
                self._close_connection(each, protocol)
                return True
            late = late or each
        if late is not None:
            self._close_connection(late, protocols.get(late.socket.fileno()))
        return late is not None

    def _close_without_protocol(self, connection: _Connection) -> None:
        """Closes a connection whose TLS handshake is not complete."""
        descriptor = connection.socket.fileno()
        if connection in self._connections and descriptor >= 0 and descriptor not in self._protocols():
            self._close_connection(connection, None)

    def _close_connection(self, connection: _Connection, protocol: HttpProtocol | None) -> None:
        self._connections.remove(connection)
        if protocol is not None:
            protocol.transport.abort()
            return
        with suppress(OSError):  # the client closed it in this moment
            # The event loop owns it: it reads the end and closes it.
            connection.socket.shutdown(socket.SHUT_RDWR)

    def _protocols(self) -> dict[int, HttpProtocol]:
        return {each.descriptor: each for each in self.protocols if isinstance(each, HttpProtocol)}


def _has_unread(connection: socket.socket) -> bool:
    """Returns whether the client has sent something that the server has not read yet."""
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:  # nothing there, or the connection is broken
        return False
