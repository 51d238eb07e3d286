"""Turns for the verification of large bodies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from edge_lpr.web.clients import Address, network_of

SMALL = 64 * 1024
"""The most bytes of a body that is verified without a turn."""


class VerificationTurns:
    """One large body at a time is verified. Networks take turns, so nobody waits behind all bodies of another."""

    def __init__(self) -> None:
        self._of_networks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, address: Address | None, size: int) -> AsyncIterator[None]:
        """Holds the turn of the network of ``address`` for a body of ``size`` bytes."""
        if size <= SMALL:
            yield
            return
        own = self._of_networks.setdefault(str(network_of(address)), asyncio.Lock())
        # asyncio's locks serve in order of arrival, and each network waits once for the second: turns.
        async with own, self._one:
            yield
