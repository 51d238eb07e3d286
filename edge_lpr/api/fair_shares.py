"""A bounded amount of something, such as places or bytes, that accounts share."""

from __future__ import annotations

import threading
from collections import Counter


class FairShares:
    """Each account has at most ``of_one``, all together at most ``total``. May be used from any thread.

    A quarter of the total is for accounts that hold nothing yet. So the accounts that hold much cannot exclude others.
    """

    def __init__(self, *, total: int, of_one: int) -> None:
        self.total = total
        self._of_one = of_one
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, account: str, size: int = 1) -> bool:
        """Takes ``size`` for ``account``; returns False, and takes nothing, if that is too much."""
        with self._lock:
            held = self._held[account]
            bound = self.total - self.total // 4 if held else self.total
            if held + size > self._of_one or self._held.total() + size > bound:
                return False
            self._held[account] += size
            return True

    def give_back(self, account: str, size: int = 1) -> None:
        """Gives back what ``take`` took."""
        with self._lock:
            self._held[account] -= size
