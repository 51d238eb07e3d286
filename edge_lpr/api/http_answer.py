"""Reads the HTTP answer of a server that may be hostile, with bounds on bytes, time and work.

h11 parses it: strictly, and never more than it is given. The bounds here are those that h11 does not have.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

import h11

from edge_lpr.errors import EdgeLprError
from edge_lpr.web.http_parser import HttpParser

_READ_BYTES = 16 * 1024
"""Bytes that are parsed at a time; headers, trailers and the head of a chunk have at most this and ``_MAX_HEAD``."""

_MAX_HEAD = 16 * 1024
_MAX_INFORMATIONAL = 8
_NOT_IMPLEMENTED = 501


class AnswerError(EdgeLprError):
    """An answer that is not used; the text is the reason."""


class AnswerTooLarge(AnswerError):
    """An answer with too many bytes."""


class HttpAnswer:
    """The answer to a GET. ``remaining_s`` returns the seconds for what is left, and raises TimeoutError at their end.

    Every method raises AnswerError, and the OSError of the socket, which includes TimeoutError.
    """

    def __init__(self, link: socket.socket, remaining_s: Callable[[], float], max_bytes: int) -> None:
        """Reads the headers. ``max_bytes`` bounds the body, and twice as many bytes are read in all."""
        self._link = link
        self._remaining_s = remaining_s
        self._max_bytes = max_bytes
        self._max_read = 2 * max_bytes + 64 * _READ_BYTES
        self._read = 0
        self._parser = HttpParser(h11.CLIENT, _MAX_HEAD)
        self._parser.send(h11.Request(method="GET", target="/", headers=[("Host", "")]))
        self._parser.send(h11.EndOfMessage())
        self._response = self._final_response()
        self.status = self._response.status_code

    def header(self, name: str) -> bytes:
        """Returns the first value of a header, empty if there is none."""
        wanted = name.lower().encode("ascii")
        return next((value for each, value in self._response.headers if each == wanted), b"")

    def picture(self) -> bytes:
        """Returns the whole body of an answer with status 200. Raises AnswerTooLarge beyond ``max_bytes``."""
        if self.status != 200:
            raise AnswerError(f"the server answered with status {self.status}")
        codings = [value for name, value in self._response.headers if name == b"content-encoding"]
        if any(value.strip().lower() not in (b"", b"identity") for value in codings):
            raise AnswerError("the server sends it compressed, though asked not to")
        if not self.header("Transfer-Encoding") and int(self.header("Content-Length") or 0) > self._max_bytes:
            raise AnswerTooLarge
        content = bytearray()
        while isinstance(event := self._next_event(), h11.Data):
            content += event.data
            if len(content) > self._max_bytes:
                raise AnswerTooLarge
        return bytes(content)

    def _final_response(self) -> h11.Response:
        for _ in range(_MAX_INFORMATIONAL):
            event = self._next_event()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise AnswerError("the server closed the connection")
        raise AnswerError("the server's answer is not proper HTTP")

    def _next_event(self) -> object:
        """Returns the next event of the answer, which is complete or has more."""
        try:
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                self._link.settimeout(self._remaining_s())
                received = self._link.recv(_READ_BYTES)
                self._read += len(received)
                if self._read > self._max_read:
                    raise AnswerTooLarge
                self._parser.receive_data(received)
        except h11.RemoteProtocolError as error:
            if self._parser.trailing_data[1]:
                raise AnswerError("the connection broke off, or the answer is not proper HTTP") from error
            if error.error_status_hint == _NOT_IMPLEMENTED:
                raise AnswerError("the server sends it in an encoding that is not understood") from error
            raise AnswerError("the server's answer is not proper HTTP") from error
        self._remaining_s()  # also between the events of one read
        return event
