"""Bodies of HTTP requests, taken in without letting anybody fill the device's memory."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.requests import Request

from edge_lpr.api.faults import ApiError, Fault

MAX_BODY = 12 * 1024 * 1024
"""Bytes: the largest picture in Base64 in a URL-encoded form is 6 % larger than 10 MB."""

MAX_HELD = 4 * MAX_BODY
"""Bytes of all bodies in memory at once."""

MAX_DRAINED = 64 * 1024 * 1024
"""Bytes read on and thrown away before a refusal: many clients read no answer before they have sent everything."""

BODY_S = 30.0
"""For the whole body; 10 MB through a mobile connection."""


class Memory:
    """Bytes that all bodies together may take. Used from the event loop only."""

    def __init__(self, limit: int = MAX_HELD) -> None:
        self._free = limit

    def take(self, size: int) -> bool:
        """False when there is not as much."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Of what was taken."""
        self._free += size


class Body:
    """One request's body; its share of the memory is its own until the end of the ``with`` block."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._held = 0
        self.is_over = False
        """False while more may come: the connection is then of no further use."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._memory.give_back(self._held)
        self._held = 0

    async def read(self, request: Request) -> bytes:
        """All of it. Raises ApiError: RequestSizeLimitExceeded, RequestLimitExceeded when other bodies take all the
        memory, InvalidParameter when it does not arrive in time; ClientDisconnect when the caller hangs up."""
        try:
            async with asyncio.timeout(BODY_S):
                return await self._gather(request)
        except TimeoutError as error:
            raise ApiError(Fault.INVALID_PARAMETER, f"The body did not arrive within {BODY_S:.0f} s.") from error

    async def _gather(self, request: Request) -> bytes:
        content = bytearray()
        refusal: ApiError | None = None
        seen = 0
        async for chunk in request.stream():
            seen += len(chunk)
            if refusal is None:
                refusal = self._refusal(seen, len(chunk))
            if refusal is None:
                content += chunk
            else:
                content.clear()
                if seen > MAX_DRAINED:
                    raise refusal
        self.is_over = True
        if refusal is not None:
            raise refusal
        return bytes(content)

    def _refusal(self, seen: int, more: int) -> ApiError | None:
        if seen > MAX_BODY:
            return ApiError(Fault.REQUEST_SIZE_LIMIT_EXCEEDED)
        if not self._memory.take(more):
            return ApiError(Fault.REQUEST_LIMIT_EXCEEDED, "Too many pictures are on their way here; try again.")
        self._held += more
        return None
