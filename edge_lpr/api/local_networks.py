"""The networks of this machine, as the kernel routes them now: its own addresses, and what is directly connected.

An IPv6 network at home or at a gate usually has public addresses. So an address can be public and still belong to a
neighbour that trusts its network. The kernel knows which addresses are reached without a router.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

_IPV4_ROUTES = Path("/proc/self/net/fib_trie")
_IPV6_ROUTES = Path("/proc/self/net/ipv6_route")

_SHORTEST = {4: 8, 6: 16}
"""Shorter prefixes are default routes, also in halves and without a router, as tunnels and modems set them."""

_SITE_PREFIX = 48
"""A site gets at least this prefix length of IPv6 (RFC 6177); its other networks are as near as the gate's own."""

_GLOBAL_IPV6 = IPv6Network("2000::/3")
_GATEWAY, _REJECT = 0x0002, 0x0200  # flags of linux/route.h
_LEAF = re.compile(r"\|-- ([\d.]+)\n((?:\s+/\d+ .*\n)+)")
_DIRECT = re.compile(r"/(\d+) (?:host|link) ")


class LocalNetworks:
    """Networks of this machine. ``networks`` contains the prefixes of its addresses, on-link routes, and its sites."""

    def __init__(self, ipv4_routes: str, ipv6_routes: str) -> None:
        """The arguments are the contents of fib_trie and ipv6_route. Raises ValueError for other text."""
        self.networks: tuple[IPv4Network | IPv6Network, ...] = (*_ipv4(ipv4_routes), *_ipv6(ipv6_routes))

    @classmethod
    def read(cls) -> LocalNetworks:
        """Returns the networks as they are now. Raises OSError where the kernel does not tell them."""
        ipv4 = _IPV4_ROUTES.read_text("ascii")
        try:
            ipv6 = _IPV6_ROUTES.read_text("ascii")
        except FileNotFoundError:  # the kernel has no IPv6, so no address of it can be reached
            ipv6 = ""
        return cls(ipv4, ipv6)


def _ipv4(text: str) -> set[IPv4Network]:
    """The trie lists each prefix with its length and its scope: host, link, or universe for those behind a router."""
    return {
        IPv4Network((leaf[1], int(length)), strict=False)
        for leaf in _LEAF.finditer(text)
        for length in _DIRECT.findall(leaf[2])
        if int(length) >= _SHORTEST[4]
    }


def _ipv6(text: str) -> set[IPv6Network]:
    """A line: destination, length, source, length, next hop, metric, two counters, flags, interface."""
    found: set[IPv6Network] = set()
    for line in text.splitlines():
        destination, length, _, _, _, _, _, _, flags, _ = line.split()
        network = IPv6Network((int(destination, 16), int(length, 16)), strict=False)
        if int(flags, 16) & (_GATEWAY | _REJECT) or network.prefixlen < _SHORTEST[6]:
            continue
        if network.subnet_of(_GLOBAL_IPV6) and network.prefixlen > _SITE_PREFIX:
            network = network.supernet(new_prefix=_SITE_PREFIX)
        found.add(network)
    return found
