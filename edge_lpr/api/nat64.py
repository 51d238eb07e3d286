"""The IPv6 prefixes behind which the network's own NAT64 puts IPv4 addresses, private ones too.

Such a network answers the name ``ipv4only.arpa`` with an IPv6 address that contains a known IPv4 address. Source: RFC
7050 (discovery), RFC 6052 (form of the addresses).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network

_NAME = "ipv4only.arpa"
_KNOWN = (IPv4Address("192.0.0.170").packed, IPv4Address("192.0.0.171").packed)
_LENGTHS = (32, 40, 48, 56, 64, 96)
_REFRESH_S = 600.0


class Nat64Prefixes:
    """The prefixes of the network, looked up again after ten minutes. May be used from any thread."""

    def __init__(self, addresses_of: Callable[[str, float], Iterable[object]]) -> None:
        """``addresses_of`` looks up a name within so many seconds. Raises OSError for an unknown name, TimeoutError."""
        self._addresses_of = addresses_of
        self._prefixes: tuple[IPv6Network, ...] = ()
        self._expires_s = float("-inf")
        self._lock = threading.Lock()

    def now(self, timeout_s: float) -> tuple[IPv6Network, ...]:
        """Returns the prefixes, none in a network without NAT64. Raises TimeoutError."""
        with self._lock:
            if time.monotonic() < self._expires_s:
                return self._prefixes
        try:
            found = self._addresses_of(_NAME, timeout_s)
        except socket.gaierror:
            found = ()  # the name server has no such name
        prefixes = tuple(prefix for each in found if isinstance(each, IPv6Address) for prefix in prefixes_of(each))
        with self._lock:
            self._prefixes, self._expires_s = prefixes, time.monotonic() + _REFRESH_S
        return prefixes


def prefixes_of(address: IPv6Address) -> list[IPv6Network]:
    """Returns the NAT64 prefixes that an address of ``ipv4only.arpa`` can have."""
    return [
        IPv6Network((address.packed, length), strict=False)
        for length in _LENGTHS
        if _embedded(address.packed, length) in _KNOWN
    ]


def _embedded(packed: bytes, length: int) -> bytes:
    """Returns the IPv4 address after a prefix of ``length`` bits. Byte 8 is never part of it (RFC 6052, 2.2)."""
    start = length // 8
    return packed[12:] if length == 96 else (packed[start:8] + packed[9:])[:4]
