"""How many requests a caller may send in a second, or in another time."""

from __future__ import annotations

import threading
from collections import deque

WINDOW_S = 1.0


class RateLimit:
    """At most ``per_window`` requests in any ``window_s`` seconds, for each caller apart; callable from any thread.

    It remembers every caller, so there must be only so many: those of the keys file, or ``peers.slot_of`` addresses.
    """

    def __init__(self, per_window: int, window_s: float = WINDOW_S) -> None:
        self._per_window = per_window
        self._window_s = window_s
        self._admitted: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def admits(self, caller: str, now_s: float) -> bool:
        """Count a request at ``now_s``, monotonic; False when it is one too many, and then it is not counted."""
        with self._lock:
            moments = self._recent(caller, now_s)
            if len(moments) >= self._per_window:
                return False
            moments.append(now_s)
            return True

    def is_reached(self, caller: str, now_s: float) -> bool:
        """Whether ``admits`` would say False."""
        with self._lock:
            return len(self._recent(caller, now_s)) >= self._per_window

    def _recent(self, caller: str, now_s: float) -> deque[float]:
        moments = self._admitted.setdefault(caller, deque())
        while moments and moments[0] <= now_s - self._window_s:
            moments.popleft()
        return moments
