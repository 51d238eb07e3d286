"""Bodies of HTTP requests, read with bounds on time and memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from edge_lpr.api.body_memory import MAX_BODY, BodyMemory, Holding
from edge_lpr.api.errors import ApiError, ErrorCode

MAX_DRAINED = 64 * 1024 * 1024
"""The most bytes read and discarded after a refusal: many clients read the answer only after they have sent all."""

BODY_S = 30.0
"""Seconds for a whole body: 10 MB over a mobile connection."""


class Body:
    """The body of one request. Its memory stays reserved until the end of the ``with`` block."""

    def __init__(self, memory: BodyMemory, request: Request, network: str) -> None:
        """``network`` is the network of the client, which the memory is charged to until the request is admitted."""
        self._memory = memory
        self._holding = Holding(network, self._evict)
        self._request = request
        self._chunks: list[bytes] = []  # a growing array would leave holes in the heap that no other body fits into
        self._seen = 0
        self._ends_s = asyncio.get_running_loop().time() + BODY_S
        self._limit: asyncio.Timeout | None = None
        self._is_evicted = False
        headers = request.headers
        self.is_over = headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers
        """False while more bytes may follow."""

    @property
    def size(self) -> int:
        """The bytes that were read."""
        return sum(map(len, self._chunks))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._memory.release(self._holding)
        self._chunks.clear()  # now: an error that refers to this object lives until the next garbage collection

    @asynccontextmanager
    async def limits(self) -> AsyncIterator[None]:
        """Ends the block when the time for the body is over, or when its memory is given to a newer body.

        Raises ApiError: InvalidParameter, RequestLimitExceeded.
        """
        try:
            async with asyncio.timeout_at(self._ends_s) as self._limit:
                yield
        except TimeoutError as error:
            self._check_not_evicted()
            raise ApiError(ErrorCode.INVALID_PARAMETER, f"The body did not arrive within {BODY_S:.0f} s.") from error
        finally:
            self._limit = None
        self._check_not_evicted()

    async def read(self) -> None:
        """Reads the whole body. Use it inside of ``limits``.

        Raises ApiError: RequestSizeLimitExceeded, RequestLimitExceeded if other bodies use the memory. Raises
        ClientDisconnect if the client closes the connection.
        """
        if int(self._request.headers.get("content-length", 0)) > MAX_BODY:
            raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
        async for chunk in self._request.stream():
            self._seen += len(chunk)
            if self._seen > MAX_BODY:
                raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
            if not self._memory.take(self._holding, len(chunk)):
                raise _memory_is_used()
            self._chunks.append(chunk)
        self.is_over = True

    def take(self) -> bytes:
        """Returns the body and forgets it. Its memory is no longer given to others."""
        self._memory.pin(self._holding)
        content = b"".join(self._chunks)
        self._chunks.clear()
        return content

    def admit(self, account: str) -> None:
        """Charges the memory to ``account``. Raises ApiError (RequestLimitExceeded) if that has no more."""
        if not self._memory.admit(self._holding, account):
            raise ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "Other pictures use the memory; try again in a moment.")

    async def drain(self, receive: Receive) -> None:
        """Discards the rest of the body, up to ``MAX_DRAINED`` bytes and within the body's time limit."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._ends_s):
                while not self.is_over and self._seen <= MAX_DRAINED:
                    message = await receive()
                    self._seen += len(message.get("body", b""))
                    self.is_over = not message.get("more_body", False)  # also if the client has disconnected

    def _evict(self) -> None:
        """Forgets the body, and ends ``limits`` in the task that reads it."""
        self._is_evicted = True
        self._chunks.clear()
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    def _check_not_evicted(self) -> None:
        if self._is_evicted:
            raise _memory_is_used()


def _memory_is_used() -> ApiError:
    return ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many pictures are on their way here; try again.")


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
