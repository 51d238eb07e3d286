"""Who is at the other end of a connection, and who of them may ask without a key.

Where no keys are configured, programs on this device are answered. A web page that a browser on this device shows is
none of them: its script could send forms here, or read answers under a name that it makes lead here (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from edge_lpr.api.errors import ApiError, ErrorCode

Address = IPv4Address | IPv6Address

_SLOTS = 1024


def address_of(host: str) -> Address | None:
    """An address written as text, as IPv4 where it is mapped into IPv6; None for what is no address."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def is_this_device(address: Address | None) -> bool:
    """True for the device's own loopback addresses."""
    return address is not None and address.is_loopback


def check_needs_no_key(address: Address | None, headers: Mapping[str, str]) -> None:
    """Raises ApiError (AuthFailure.InvalidAuthorization) unless a program on this device asks; ``headers`` by their
    names in lower case."""
    if not is_this_device(address):
        message = "Without a keys file (api.keys_file) only the device itself is answered."
    elif not _leads_here(f"//{headers.get('host', '')}"):
        message = "Without a keys file (api.keys_file) the Host header must be localhost or a loopback address."
    elif _is_of_another_site(headers):
        message = "Without a keys file (api.keys_file) no web page of another site is answered."
    else:
        return
    raise ApiError(ErrorCode.INVALID_AUTHORIZATION, message)


def slot_of(address: Address | None) -> str:
    """A name that an address is counted by: one of a few, so that a flood from many addresses takes no memory; which
    one, nobody can foresee. A network of 2^64 IPv6 addresses, as every household has, is one address."""
    number = 0 if address is None else int(address)
    if isinstance(address, IPv6Address):
        number >>= 64
    return str(hash(("peer", str(number))) % _SLOTS)


def _is_of_another_site(headers: Mapping[str, str]) -> bool:
    """As browsers tell: Origin with every form and script, Sec-Fetch-Site with pictures and links too."""
    if "origin" in headers:
        return not _leads_here(headers["origin"])
    return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")


def _leads_here(url: str) -> bool:
    """True for a URL of this device by a name that no name server can make lead here."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or is_this_device(address_of(host))
