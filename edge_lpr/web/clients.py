"""Client addresses: who is at the other end of a connection, and which clients need no key.

Where no keys are configured, only programs on this device are served. A web page in a browser on this device does not
count as such a program: its script could send forms here, or read answers under a host name that it makes resolve to
this device (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

_SLOTS = 1024


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


def rate_slot(address: Address | None) -> str:
    """Returns the name under which a rate limit counts ``address``.

    There are ``_SLOTS`` names, so a flood from many addresses takes no memory. Python's hash is seeded at random, so
    nobody can predict which addresses share a name. An IPv6 prefix of 64 bits counts as one address: every household
    has that many.
    """
    number = 0 if address is None else int(address)
    if isinstance(address, IPv6Address):
        number >>= 64
    return str(hash(("peer", str(number))) % _SLOTS)


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
