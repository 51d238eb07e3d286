"""Client addresses: who is at the other end of a connection, and which clients need no key.

Where no keys are configured, only programs on this device are served. A web page in a browser on this device does not
count as such a program: its script could send forms here, or read answers under a host name that it makes resolve to
this device (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class KeylessRefusal(Enum):
    """Why a client is not served without a key."""

    OTHER_DEVICE = auto()
    """The client is not on this device."""
    HOST_NAME = auto()
    """The Host header is neither ``localhost`` nor a loopback address."""
    OTHER_SITE = auto()
    """A web page of another site sent the request."""


def parse_address(host: str) -> Address | None:
    """Returns the address that ``host`` spells, as IPv4 where it is mapped into IPv6; None if it is no address."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def is_this_device(address: Address | None) -> bool:
    """Returns True for the loopback addresses."""
    return address is not None and address.is_loopback


def keyless_refusal(address: Address | None, headers: Mapping[str, str]) -> KeylessRefusal | None:
    """Returns why a client without a key is refused; None for a program on this device.

    ``headers`` are the request's, their names in lower case.
    """
    if not is_this_device(address):
        return KeylessRefusal.OTHER_DEVICE
    if not _names_this_device(f"//{headers.get('host', '')}"):
        return KeylessRefusal.HOST_NAME
    if _is_from_other_site(headers):
        return KeylessRefusal.OTHER_SITE
    return None


def network_of(address: Address | None) -> Network | None:
    """Returns the network whose addresses one client may have all: an IPv4 address alone, a /64 of IPv6."""
    if address is None:
        return None
    return ip_network((address.packed, 64 if isinstance(address, IPv6Address) else 32), strict=False)


def _is_from_other_site(headers: Mapping[str, str]) -> bool:
    """Browsers send Origin with every form and script, and Sec-Fetch-Site with pictures and links too."""
    if "origin" in headers:
        return not _names_this_device(headers["origin"])
    return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _names_this_device(url: str) -> bool:
    """Returns True for a URL whose host no name server can direct here: ``localhost`` or a loopback address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or is_this_device(parse_address(host))
