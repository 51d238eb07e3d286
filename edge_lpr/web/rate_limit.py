"""Rate limits: how many requests a key or a client address may send in a time window."""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict, deque

from edge_lpr.web.clients import Address, network_of

WINDOW_S = 1.0

NETWORK_FACTOR = 16
"""A network of IPv6 (/64) may have this multiple of the limit of an address: many clients, or one with many addresses.
"""

_SLOTS = 16384
_KNOWN = 256
_TOLERANCE_S = 1e-6


class RateLimit:
    """Admits at most ``per_window`` requests in any ``window_s`` seconds, for each client separately.

    May be called from any thread. Every client's name is kept, so names must be few, such as the keys of the keys
    file. For addresses there is ``AddressLimit``.
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


class AddressLimit:
    """Admits at most ``per_window`` requests in ``window_s`` seconds from each address, in bounded memory.

    A client in an IPv6 network has as many addresses as it wants. So the requests of its /64 are counted too, with a
    limit ``NETWORK_FACTOR`` times as large. An address that is known, because its client has shown its key, is counted
    alone: a neighbour that uses up the limit of the network does not exclude it.

    After a burst of ``per_window`` requests, one more is admitted every ``window_s / per_window`` seconds. May be
    called from any thread.
    """

    def __init__(self, per_window: int, window_s: float = WINDOW_S) -> None:
        self._addresses = _Meter(per_window, window_s)
        self._networks = _Meter(per_window * NETWORK_FACTOR, window_s)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def admits(self, address: Address | None, now_s: float) -> bool:
        """Counts a request at ``now_s`` (monotonic seconds). Returns False, and counts nothing, beyond the limit."""
        with self._lock:
            meters = self._meters(address)
            if any(meter.is_full(name, now_s) for meter, name in meters):
                return False
            for meter, name in meters:
                meter.add(name, now_s)
            return True

    def is_reached(self, address: Address | None, now_s: float) -> bool:
        """Returns whether ``admits`` would refuse a request now."""
        with self._lock:
            return any(meter.is_full(name, now_s) for meter, name in self._meters(address))

    def mark_known(self, address: Address | None) -> None:
        """Counts ``address`` alone from now on. The last 256 such addresses are kept."""
        with self._lock:
            self._known[str(address)] = None
            self._known.move_to_end(str(address))
            if len(self._known) > _KNOWN:
                self._known.popitem(last=False)

    def _meters(self, address: Address | None) -> list[tuple[_Meter, str]]:
        name, network = str(address), str(network_of(address))
        own = [(self._addresses, name)]
        return (
            own if address is None or address.version == 4 or name in self._known else [*own, (self._networks, network)]
        )


class _Meter:
    """Counts by name in ``_SLOTS`` numbers. A number is the time at which the name has its whole limit again.

    Python's hash of text is seeded at random, so nobody can predict which names share a slot.
    """

    def __init__(self, per_window: int, window_s: float) -> None:
        self._interval_s = window_s / per_window
        self._window_s = window_s + _TOLERANCE_S
        self._full_again_s = array("d", bytes(8 * _SLOTS))

    def is_full(self, name: str, now_s: float) -> bool:
        full_again_s = max(self._full_again_s[hash(name) % _SLOTS], now_s)
        return full_again_s + self._interval_s > now_s + self._window_s

    def add(self, name: str, now_s: float) -> None:
        slot = hash(name) % _SLOTS
        self._full_again_s[slot] = max(self._full_again_s[slot], now_s) + self._interval_s
