"""Bodies of HTTP requests, read with bounds on time and memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from types import TracebackType
from typing import Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge_lpr.api.errors import ApiError, ErrorCode

MAX_BODY = 12 * 1024 * 1024
"""The most bytes of a body. The largest picture in Base64 in a URL-encoded form is 6 % larger than 10 MB."""

MAX_HELD = 4 * MAX_BODY
"""The most bytes of all bodies in memory at once."""

MAX_HELD_BY_ONE = MAX_HELD // 2
"""The most bytes of one account's bodies, so that a slow sender cannot exclude all others."""

MAX_DRAINED = 64 * 1024 * 1024
"""The most bytes read and discarded after a refusal: many clients read the answer only after they have sent all."""

BODY_S = 30.0
"""Seconds for a whole body: 10 MB over a mobile connection."""


class Memory:
    """The memory of all bodies and of each account's bodies. For the event loop only."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def take(self, account: str, size: int) -> bool:
        """Reserves ``size`` bytes for ``account``; returns False if they would exceed a bound."""
        if self._held.total() + size > MAX_HELD or self._held[account] + size > MAX_HELD_BY_ONE:
            return False
        self._held[account] += size
        return True

    def give_back(self, account: str, size: int) -> None:
        """Releases bytes that ``take`` reserved."""
        self._held[account] -= size


class Body:
    """The body of one request. Its memory stays reserved until the end of the ``with`` block."""

    def __init__(self, memory: Memory, request: Request) -> None:
        self._memory = memory
        self._request = request
        self._account = ""
        self._held = 0
        self._seen = 0
        self._ends_s = asyncio.get_running_loop().time() + BODY_S
        headers = request.headers
        self.is_over = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        """False while more bytes may follow."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._memory.give_back(self._account, self._held)
        self._held = 0

    async def read(self, account: str) -> bytes:
        """Reads the whole body into the memory share of ``account``.

        Raises ApiError: RequestSizeLimitExceeded, RequestLimitExceeded if other bodies use the memory,
        InvalidParameter if it does not arrive in time. Raises ClientDisconnect if the client closes the connection.
        """
        self._account = account
        if int(self._request.headers.get("content-length", 0)) > MAX_BODY:
            raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
        try:
            async with asyncio.timeout_at(self._ends_s):
                return await self._gather()
        except TimeoutError as error:
            raise ApiError(ErrorCode.INVALID_PARAMETER, f"The body did not arrive within {BODY_S:.0f} s.") from error

    async def drain(self, receive: Receive) -> None:
        """Discards the rest of the body, up to ``MAX_DRAINED`` bytes and within the body's time limit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._ends_s):
                while not self.is_over and self._seen <= MAX_DRAINED:
                    message = await receive()
                    self._seen += len(message.get("body", b""))
                    self.is_over = not message.get("more_body", False)  # also if the client has disconnected

    async def _gather(self) -> bytes:
        content = bytearray()
        async for chunk in self._request.stream():
            self._seen += len(chunk)
            if self._seen > MAX_BODY:
                raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
            if not self._memory.take(self._account, len(chunk)):
                raise ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many pictures are on their way here; try again.")
            self._held += len(chunk)
            content += chunk
        self.is_over = True
        return bytes(content)


class EarlyResponse(Response):
    """An answer that is sent before the request's body has been read.

    The connection is closed afterwards. The rest of the body is read and discarded first: closing a connection with
    unread bytes can discard the answer on its way to the client.
    """

    def __init__(self, content: bytes, media_type: str, body: Body) -> None:
        super().__init__(content, headers={"Connection": "close"}, media_type=media_type)
        self._rest = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the answer, discards the rest of the body, and ends the response."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await self._rest.drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
