"""The memory of request bodies: shared by address until a request is authenticated, by account afterwards.

Anybody can name a SecretId in a request. So a body is charged to its account only when the signature has been verified.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from edge_lpr.api.fair_shares import FairShares

MAX_BODY = 12 * 1024 * 1024
"""The most bytes of a body. The largest picture in Base64 in a URL-encoded form is 6 % larger than 10 MB."""

MAX_INCOMING = 3 * MAX_BODY
"""The most bytes of all bodies that are not authenticated."""

MAX_ADMITTED = 4 * MAX_BODY
"""The most bytes of all bodies of admitted requests."""

MAX_HELD_BY_ONE = 2 * MAX_BODY
"""The most bytes of one account's bodies."""


class Holding:
    """What one body holds. ``evict`` is called when its memory is given to another body."""

    def __init__(self, network: str, evict: Callable[[], None]) -> None:
        self.network = network
        self.evict = evict
        self.size = 0
        self.account: str | None = None
        self.is_pinned = False


class BodyMemory:
    """The memory of all bodies. For the event loop only.

    While the memory for incoming bodies is full, the oldest body of the network that holds most is refused in favour of
    a new one. So slow bodies keep nobody out who sends at once.
    """

    def __init__(self) -> None:
        self._incoming: dict[Holding, None] = {}
        self._admitted = FairShares(total=MAX_ADMITTED, of_one=MAX_HELD_BY_ONE)

    def take(self, holding: Holding, size: int) -> bool:
        """Reserves ``size`` more bytes for an incoming body; returns False if it is the one that must go."""
        self._incoming.setdefault(holding)
        while sum(each.size for each in self._incoming) + size > MAX_INCOMING:
            victim = self._victim()
            if victim is None or victim is holding:
                return False
            self.release(victim)
            victim.evict()
        holding.size += size
        return True

    def pin(self, holding: Holding) -> None:
        """Keeps the memory of a body that is being verified."""
        holding.is_pinned = True

    def admit(self, holding: Holding, account: str) -> bool:
        """Charges the bytes to ``account``; returns False, and changes nothing, if they would exceed a bound."""
        if not self._admitted.take(account, holding.size):
            return False
        self._incoming.pop(holding, None)
        holding.account = account
        return True

    def release(self, holding: Holding) -> None:
        """Releases all bytes of a body."""
        self._incoming.pop(holding, None)
        if holding.account is not None:
            self._admitted.give_back(holding.account, holding.size)
        holding.size = 0

    def _victim(self) -> Holding | None:
        """Returns the oldest body of the network that holds most, if any may go."""
        held: Counter[str] = Counter()
        for each in self._incoming:
            held[each.network] += each.size
        candidates = (each for each in self._incoming if not each.is_pinned)
        return max(candidates, key=lambda each: held[each.network], default=None)  # the first of equals is the oldest
