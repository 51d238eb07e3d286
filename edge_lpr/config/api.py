"""Settings of the section ``api``, and the form in which hosts and networks are compared."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict, ValidationInfo, field_validator

from edge_lpr.config.types import HostName, LocalPath, Port, Section, TopicFilter, Unit

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
    """LicensePlateOCR over HTTP, with /healthz and /metrics at the same address."""

    enabled: bool = False
    """true starts the API."""

    host: HostName = "127.0.0.1"
    """Address to listen on. 127.0.0.1: only this device. 0.0.0.0: all addresses, which needs ``keys_file``."""

    port: Port = 8080
    """Port to listen on."""

    keys_file: LocalPath | None = Field(default=None, validate_default=True)
    """YAML file of ``SecretId: SecretKey``, or of ``SecretId: {key: SecretKey, quota: 10000, in_arrears: false}``.
    ``null``: unsigned requests, only from this device."""

    tls_cert_file: LocalPath | None = None
    """Certificate in PEM form, together with ``tls_key_file``. ``null``: no TLS."""

    tls_key_file: LocalPath | None = Field(default=None, validate_default=True)
    """Private key of the certificate, without password."""

    license_plate_ocr: bool = True
    """false: LicensePlateOCR answers FailedOperation.UnOpenError."""

    requests_per_second: int = Field(default=10, ge=1, le=10_000)
    """Limit for each key. Above it the answer is RequestLimitExceeded."""

    queue: Annotated[int, Unit("requests")] = Field(default=4, ge=1, le=64)
    """Requests of one key that wait or are processed. Above it the answer is RequestLimitExceeded. Requests over MQTT
    count as one key. All keys together have 64 places, or twice ``queue`` if that is more."""

    max_megapixels: Annotated[int, Unit("millions of pixels")] = Field(default=25, ge=1, le=64)
    """Larger pictures are rejected. A picture takes up to 10 bytes of memory per pixel."""

    response_topics: Annotated[tuple[TopicFilter, ...], Strict(False)] = ("parking/answers/#",)
    """Topic filters for the response topics (MQTT 5) that requests may name. The gate's own topics below ``response/``
    are always allowed, other topics below ``mqtt.topic_prefix`` never."""

    allow_hosts: Annotated[tuple[AllowedHost, ...], Strict(False)] = ()
    """Host names or addresses that ImageUrl may use although they are not public."""

    allow_networks: Annotated[tuple[AllowedNetwork, ...], Strict(False)] = ()
    """Networks that ImageUrl may use although they are not public, such as ``[192.168.1.0/24]``."""

    download_ca_file: LocalPath | None = None
    """Certificate authority of https addresses in ImageUrl, in addition to the system's authorities."""

    @field_validator("keys_file")
    @classmethod
    def _needed_beyond_loopback(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        host = info.data.get("host", "localhost")
        if value is None and info.data.get("enabled", False) and not is_loopback(host):
            raise ValueError(
                f"a YAML file of SecretId: SecretKey, because other devices can reach api.host {host};"
                " or set api.host to 127.0.0.1"
            )
        return value

    @field_validator("tls_key_file")
    @classmethod
    def _pair(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if "tls_cert_file" in info.data and (value is None) != (info.data["tls_cert_file"] is None):
            raise ValueError("both tls_cert_file and tls_key_file, or neither")
        return value
