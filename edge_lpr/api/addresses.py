"""Network addresses: which of them pictures may be downloaded from, and the addresses of a host name.

A client that can name a URL could otherwise explore the gate's own network through the gate. So only public addresses
are allowed; all others need a setting. Public is also not enough: the gate's own network may have public addresses
(``local_networks``).
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from edge_lpr.api.local_networks import LocalNetworks
from edge_lpr.api.nat64 import Nat64Prefixes
from edge_lpr.api.reading_turns import ACCOUNT

Address = IPv4Address | IPv6Address

# IANA's special-purpose address registries, and multicast. They are listed here because ``ipaddress.is_global`` differs
# between releases of Python.
_SPECIAL_V4 = tuple(
    IPv4Network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_UNICAST_V6 = IPv6Network("2000::/3")
"""Loopback, unique local, link-local, multicast and NAT64 (64:ff9b::/96) are outside of it."""
_SPECIAL_V6 = tuple(IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""IETF assignments with Teredo, documentation, 6to4, documentation."""

_LOOKUPS = 4
"""The most names of one account that are looked up at once. A silent name server holds a thread for many seconds."""

_lookups: defaultdict[str, threading.BoundedSemaphore] = defaultdict(lambda: threading.BoundedSemaphore(_LOOKUPS))
"""By account, so that the names of one account do not keep those of others waiting."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a host in the form of ``socket``. ``address`` is IPv4 for one that is mapped into IPv6."""

    family: socket.AddressFamily
    sockaddr: tuple[str | int, ...]
    address: Address


def is_public(address: Address) -> bool:
    """Returns True for an address that is reachable from the public internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    # An ISATAP address is sent to the IPv4 address inside of it.
    is_isatap = (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE
    return address in _UNICAST_V6 and not is_isatap and not any(address in network for network in _SPECIAL_V6)


def outside(endpoints: Sequence[Endpoint], timeout_s: float) -> list[Endpoint]:
    """Returns the endpoints at public addresses that are neither this machine's nor a neighbour's.

    The networks of this machine are read now, because they change. Raises OSError where the kernel does not tell them,
    TimeoutError where the name server does not tell the prefixes of NAT64.
    """
    public = [each for each in endpoints if is_public(each.address)]
    if not public:
        return []
    found = _not_in(LocalNetworks.read().networks, public)
    has_ipv6 = any(each.address.version == 6 for each in found)
    return _not_in(_nat64.now(timeout_s), found) if has_ipv6 else found


def resolve(host: str, port: int, timeout_s: float) -> list[Endpoint]:
    """Returns all addresses of a host name or of a literal address, in the system's order of preference.

    Raises TimeoutError after ``timeout_s``, OSError for an unknown name, UnicodeError for an invalid name.
    """
    lookups = _lookups[ACCOUNT.get()]
    answers: queue.SimpleQueue[list[Endpoint] | OSError | UnicodeError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(_look_up(host, port))
        except (OSError, UnicodeError) as error:
            answers.put(error)
        finally:
            lookups.release()

    ends_s = time.monotonic() + timeout_s
    if not lookups.acquire(timeout=timeout_s):
        raise TimeoutError("too many names are being looked up")
    # getaddrinfo has no time limit; the thread ends when the system's resolver gives up
    threading.Thread(target=look_up, name="name-lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, ends_s - time.monotonic()))
    except queue.Empty as error:
        raise TimeoutError("the name server does not answer") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _not_in(networks: Sequence[IPv4Network | IPv6Network], endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    return [each for each in endpoints if not any(each.address in network for network in networks)]


def _look_up(host: str, port: int) -> list[Endpoint]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families = (socket.AF_INET, socket.AF_INET6)
    return [
        Endpoint(family, sockaddr, _plain(ip_address(sockaddr[0])))
        for family, _, _, _, sockaddr in found
        if family in families and isinstance(sockaddr[0], str)
    ]


def _plain(address: Address) -> Address:
    """Returns the address that packets go to."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _addresses_of(name: str, timeout_s: float) -> list[Address]:
    return [each.address for each in resolve(name, 80, timeout_s)]


_nat64 = Nat64Prefixes(_addresses_of)
