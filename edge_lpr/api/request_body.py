"""Bodies of HTTP requests, taken in without letting anybody fill the device's memory."""

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
"""Bytes: the largest picture in Base64 in a URL-encoded form is 6 % larger than 10 MB."""

MAX_HELD = 4 * MAX_BODY
"""Bytes of all bodies in memory at once."""

MAX_HELD_BY_ONE = MAX_HELD // 2
"""Bytes of one caller's bodies: nobody can keep all others out by sending slowly."""

MAX_DRAINED = 64 * 1024 * 1024
"""Bytes read on and thrown away after a refusal: many clients read no answer before they have sent everything."""

BODY_S = 30.0
"""For the whole body; 10 MB through a mobile connection."""


class Memory:
    """Bytes that all bodies together may take, and those of one caller. Used from the event loop only."""

    def __init__(self) -> None:
        self._held: Counter[str] = Counter()

    def take(self, caller: str, size: int) -> bool:
        """False when there is not as much."""
        if self._held.total() + size > MAX_HELD or self._held[caller] + size > MAX_HELD_BY_ONE:
            return False
        self._held[caller] += size
        return True

    def give_back(self, caller: str, size: int) -> None:
        """Of what was taken."""
        self._held[caller] -= size


class Body:
    """One request's body; its share of the memory is its own until the end of the ``with`` block."""

    def __init__(self, memory: Memory, request: Request) -> None:
        self._memory = memory
        self._request = request
        self._caller = ""
        self._held = 0
        self._seen = 0
        self._ends_s = asyncio.get_running_loop().time() + BODY_S
        headers = request.headers
        self.is_over = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        """False while more may come."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._memory.give_back(self._caller, self._held)
        self._held = 0

    async def read(self, caller: str) -> bytes:
        """All of it, at the expense of ``caller``. Raises ApiError: RequestSizeLimitExceeded, RequestLimitExceeded when
        other bodies take the memory, InvalidParameter when it does not arrive in time; ClientDisconnect when the caller
        hangs up."""
        self._caller = caller
        if int(self._request.headers.get("content-length", 0)) > MAX_BODY:
            raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
        try:
            async with asyncio.timeout_at(self._ends_s):
                return await self._gather()
        except TimeoutError as error:
            raise ApiError(ErrorCode.INVALID_PARAMETER, f"The body did not arrive within {BODY_S:.0f} s.") from error

    async def drain(self, receive: Receive) -> None:
        """Throw away what is still to come, of the first ``MAX_DRAINED`` bytes and in the body's time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._ends_s):
                while not self.is_over and self._seen <= MAX_DRAINED:
                    message = await receive()
                    self._seen += len(message.get("body", b""))
                    self.is_over = not message.get("more_body", False)  # also when the caller has hung up

    async def _gather(self) -> bytes:
        content = bytearray()
        async for chunk in self._request.stream():
            self._seen += len(chunk)
            if self._seen > MAX_BODY:
                raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
            if not self._memory.take(self._caller, len(chunk)):
                raise ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many pictures are on their way here; try again.")
            self._held += len(chunk)
            content += chunk
        self.is_over = True
        return bytes(content)


class EarlyResponse(Response):
    """An answer to a request that is not wanted to its end. It goes out at once, and the connection is of no further
    use; but what is still on its way is taken in first, as a connection closed on it takes the answer along."""

    def __init__(self, content: bytes, media_type: str, body: Body) -> None:
        super().__init__(content, headers={"Connection": "close"}, media_type=media_type)
        self._rest = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, then take in the rest, then end it."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        await self._rest.drain(receive)
        await send({"type": "http.response.body", "body": b"", "more_body": False})
