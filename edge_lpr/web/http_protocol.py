"""HTTP on one connection: uvicorn's protocol with limits for clients that send or read slowly, or send too much.

uvicorn itself waits without limit for headers and for clients that do not read. h11 bounds an incomplete header, but
not a complete one that arrives in one piece.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from edge_lpr.web.http_parser import HttpParser

HEADER_TIMEOUT_S = 15
"""Seconds for a TLS handshake, and for the headers of each request."""

WRITE_TIMEOUT_S = 30
"""Seconds in which a client must take what has been written for it."""

MAX_PIPELINED = 1024
"""The most bytes of further requests that wait behind the one that is answered. No usual client sends any."""

_SLICE = 8 * 1024
"""Bytes that are parsed at a time, so that the headers of a request have at most 24 KB."""


class HttpProtocol(H11Protocol):
    """uvicorn's protocol with time limits for headers and for writing."""

    descriptor = -1
    """File descriptor of the connection."""

    _header_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn = HttpParser(h11.SERVER)

    @property
    def is_blocked(self) -> bool:
        """True while the client has not taken what has been written for it."""
        return self.flow.write_paused

    @property
    def waits_for_client(self) -> bool:
        """True while the client has to send something (a request, or the rest of one) or to read something."""
        return self.is_blocked or self.cycle is None or self.cycle.response_complete or self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the timer for the first request."""
        super().connection_made(transport)
        self.descriptor = transport.get_extra_info("socket").fileno()
        # pause_writing follows each write that the system's buffer does not take whole, resume_writing its last byte.
        transport.set_write_buffer_limits(high=1, low=0)
        self._start_header_timer()

    def data_received(self, data: bytes) -> None:
        """Parses the data in slices, and ends the connection after this answer if too many requests wait behind it."""
        for start in range(0, len(data), _SLICE):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + _SLICE])
        cycle = self.cycle
        is_answering = cycle is not None and not cycle.more_body and not cycle.response_complete
        if is_answering and len(self.conn.trailing_data[0]) > MAX_PIPELINED:
            cycle.keep_alive = False

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP; without an answer where another one has begun."""
        can_answer = self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # the application must not write a second answer
            self.cycle.message_event.set()
        if can_answer:
            super().send_400_response(msg)
        else:
            self.transport.abort()

    def pause_writing(self) -> None:
        """Starts the timer for writing."""
        super().pause_writing()
        self._stop_write_timer()
        self._write_timer = self.loop.call_later(WRITE_TIMEOUT_S, self.transport.abort)

    def resume_writing(self) -> None:
        """Stops the timer for writing."""
        super().resume_writing()
        self._stop_write_timer()

    def on_response_complete(self) -> None:
        """Starts the timer for the next request."""
        super().on_response_complete()
        self._start_header_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stops the timers."""
        self._stop_header_timer()
        self._stop_write_timer()
        super().connection_lost(exc)

    def _start_header_timer(self) -> None:
        self._stop_header_timer()
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT_S, self._close_if_idle)

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()

    def _close_if_idle(self) -> None:
        """Closes the connection unless a request is answered, or an answer is still being read."""
        if (self.cycle is None or self.cycle.response_complete) and not self.is_blocked:
            self.transport.abort()
        elif self.is_blocked:
            self._start_header_timer()
