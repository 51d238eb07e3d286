"""Settings of the section ``api``, and the form in which hosts and networks are compared."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationInfo, field_validator

from edge_lpr.config.types import HostName, LocalPath, Port, Section

Network = IPv4Network | IPv6Network

_HOST = re.compile(r"[0-9a-z_][0-9a-z._-]{0,252}|[0-9a-f:.]{2,45}")


def canonical_host(name: str) -> str:
    """Returns a host name in the form that is compared: lower case, ASCII, no dot at the end.

    Raises ValueError for text that is not a host name or an address.
    """
    host = name.lower().removesuffix(".")
    try:
        host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError("the host's name is not a valid one") from error
    if not _HOST.fullmatch(host):
        raise ValueError("the host's name is not a valid one")
    return host


def parse_network(text: str) -> Network:
    """Parses a network such as 192.168.1.0/24, or one address. Raises ValueError for anything else."""
    return ip_network(text)


def is_loopback(host: str) -> bool:
    """Whether only this device can reach what listens on ``host``."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _allowed_host(value: str) -> str:
    try:
        return canonical_host(value)
    except ValueError as error:
        raise ValueError("a host name alone, without http:// and without a port") from error


def _allowed_network(value: object) -> Network:
    try:
        return parse_network(str(value))
    except ValueError as error:
        raise ValueError("a network such as 192.168.1.0/24, or one address") from error


AllowedHost = Annotated[str, AfterValidator(_allowed_host)]
AllowedNetwork = Annotated[IPv4Network | IPv6Network, BeforeValidator(_allowed_network)]


class ApiSettings(Section):
    """LicensePlateOCR over HTTP. ``requests_per_second`` for each key, ``queue`` in requests of all keys."""

    enabled: bool = False
    host: HostName = "127.0.0.1"
    port: Port = 8080
    keys_file: LocalPath | None = Field(default=None, validate_default=True)
    tls_cert_file: LocalPath | None = None
    tls_key_file: LocalPath | None = Field(default=None, validate_default=True)
    license_plate_ocr: bool = True
    requests_per_second: int = Field(default=10, ge=1, le=10_000)
    queue: int = Field(default=4, ge=1, le=64)
    max_megapixels: int = Field(default=25, ge=1, le=64)
    allow_hosts: Annotated[tuple[AllowedHost, ...], Strict(False)] = ()
    allow_networks: Annotated[tuple[AllowedNetwork, ...], Strict(False)] = ()
    download_ca_file: LocalPath | None = None

    @field_validator("keys_file")
    @classmethod
    def _needed_beyond_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        host = info.data.get("host", "localhost")
        if value is None and info.data.get("enabled", False) and not is_loopback(host):
            raise ValueError(
                f"a YAML file of SecretId: SecretKey, as api.host {host} is reached from elsewhere;"
                " or set api.host to 127.0.0.1"
            )
        return value

    @field_validator("tls_key_file")
    @classmethod
    def _pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "tls_cert_file" in info.data and (value is None) != (info.data["tls_cert_file"] is None):
            raise ValueError("both tls_cert_file and tls_key_file, or neither")
        return value
