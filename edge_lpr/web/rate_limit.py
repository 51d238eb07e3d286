"""Rate limits: how many requests a client may send in a time window."""

from __future__ import annotations

import threading
from collections import deque

WINDOW_S = 1.0


class RateLimit:
    """Admits at most ``per_window`` requests in any ``window_s`` seconds, for each client separately.

    May be called from any thread. Every client's name is kept, so names must be few: the keys of the keys file, or
    ``clients.rate_slot`` of an address.
    """

    def __init__(self, per_window: int, window_s: float = WINDOW_S) -> None:
        self._per_window = per_window
        self._window_s = window_s
        self._admitted: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def admits(self, client: str, now_s: float) -> bool:
        """Counts a request at ``now_s`` (monotonic seconds). Returns False, and counts nothing, beyond the limit."""
        with self._lock:
            moments = self._recent(client, now_s)
            if len(moments) >= self._per_window:
                return False
            moments.append(now_s)
            return True

    def is_reached(self, client: str, now_s: float) -> bool:
        """Returns whether ``admits`` would refuse a request now."""
        with self._lock:
            return len(self._recent(client, now_s)) >= self._per_window

    def _recent(self, client: str, now_s: float) -> deque[float]:
        moments = self._admitted.setdefault(client, deque())
        while moments and moments[0] <= now_s - self._window_s:
            moments.popleft()
        return moments
