"""Downloads the picture of an ``ImageUrl``, with checks against hostile URLs and servers.

Allowed are http and https without credentials, any port, and public addresses; the settings can allow further hosts and
networks. A name is resolved once, and the connection goes to the address that was checked, so a name server cannot
answer differently the second time. Each redirect passes all checks again and must not lead from https to http. One time
limit covers everything from the first look-up to the last byte. The size is counted while reading, whatever the headers
say. Compressed answers are refused. Proxy settings are not used.
"""

from __future__ import annotations

import functools
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urljoin, urlsplit

from edge_lpr.api.addresses import Endpoint, is_public, resolve
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.config.api import Network, canonical_host
from edge_lpr.errors import ConfigError
from edge_lpr.host.tls import client_context

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_URL_LENGTH = 8192
_CHUNK_BYTES = 65536
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_NO_URL_CHARACTER = re.compile(r"[\x00-\x20\x7f\\]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class DownloadPolicy:
    """What may be downloaded. ``max_bytes`` bounds the picture, ``timeout_s`` a download with all its redirects.

    Allowed besides public addresses are all addresses of ``allowed_hosts`` (names as ``canonical_host`` returns them)
    and of ``allowed_networks``. ``ca_file`` holds authorities that are trusted besides the system's, for a recorder
    with its own certificate.
    """

    allowed_hosts: frozenset[str] = frozenset()
    allowed_networks: tuple[Network, ...] = ()
    max_bytes: int = 10 * 1024 * 1024
    timeout_s: float = 3.0
    max_redirects: int = 3
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    """A checked URL in parts. ``host`` is ASCII, ``netloc`` the Host header, ``path`` includes the query."""

    scheme: str
    host: str
    port: int
    netloc: str
    path: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


def fetch(url: str, policy: DownloadPolicy) -> bytes:
    """Returns the bytes at ``url``. Blocks for at most ``policy.timeout_s`` seconds.

    Raises ApiError: InvalidParameterValue.InvalidParameterValueLimit for a text that is no http or https URL,
    LimitExceeded.TooLargeFileError for too many bytes, FailedOperation.DownLoadError for every other failure.
    """
    ends_s = time.monotonic() + policy.timeout_s

    def remaining_s() -> float:
        remaining = ends_s - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining

    try:
        target = _parse(url)
    except ValueError as error:
        raise ApiError(ErrorCode.VALUE_LIMIT, f"`ImageUrl`: {error}.") from error
    try:
        return _follow(target, policy, remaining_s)
    except TimeoutError as error:
        raise _failed(f"it took longer than {policy.timeout_s:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise _failed(f"the server's certificate is not accepted ({error.verify_message})") from error
    except ssl.SSLError as error:
        raise _failed(f"TLS failed ({error.reason})") from error
    except (socket.gaierror, UnicodeError) as error:
        raise _failed("the host's name is not known") from error
    except OSError as error:
        raise _failed("the server cannot be reached, or broke off") from error
    except HTTPException as error:
        raise _failed("the server's answer is not proper HTTP") from error


def _failed(reason: str) -> ApiError:
    return ApiError(ErrorCode.DOWNLOAD_ERROR, f"The picture could not be downloaded: {reason}.")


def _parse(url: str) -> _Target:
    """Parses a URL. Raises ValueError, with a reason for the client, for a text that is no http or https URL."""
    if len(url) > MAX_URL_LENGTH:
        raise ValueError(f"longer than {MAX_URL_LENGTH} characters")
    if _NO_URL_CHARACTER.search(url):
        raise ValueError("a URL has no spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError("not a proper URL") from error
    if parts.scheme not in _PORTS:
        raise ValueError("not an http or https address")
    if "@" in parts.netloc:
        raise ValueError("user names and passwords are not accepted")
    host = canonical_host(parts.hostname or "")
    name = f"[{host}]" if ":" in host else host
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(
        scheme=parts.scheme,
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        netloc=name if port is None else f"{name}:{port}",
        path=_NOT_ASCII.sub(lambda match: quote(match[0], errors="replace"), path),
    )


def _follow(target: _Target, policy: DownloadPolicy, remaining_s: Callable[[], float]) -> bytes:
    for _ in range(policy.max_redirects + 1):
        with _connected(target, policy, remaining_s) as link, closing(_ask(target, link, remaining_s)) as response:
            if response.status not in _REDIRECTS:
                return _picture(response, policy.max_bytes)
            location = response.headers.get("Location", "").strip()
        if not location:
            raise _failed("it leads nowhere")
        try:
            redirected = _parse(urljoin(target.url, location.encode("latin-1").decode("utf-8", "replace")))
        except ValueError as error:
            raise _failed(f"it leads to a URL that is refused ({error})") from error
        if target.scheme == "https" and redirected.scheme == "http":
            raise _failed("it leads from https to http")
        target = redirected
    raise _failed(f"more than {policy.max_redirects} redirects")


@contextmanager
def _connected(target: _Target, policy: DownloadPolicy, remaining_s: Callable[[], float]) -> Iterator[socket.socket]:
    """Yields a connection to a checked address, with TLS for https."""
    with _connect(_permitted(target, policy, remaining_s()), remaining_s) as plain:
        if target.scheme == "http":
            yield plain
            return
        plain.settimeout(remaining_s())  # for the whole handshake, not for each packet
        with trusting(policy.ca_file).wrap_socket(plain, server_hostname=target.host) as encrypted:
            yield encrypted


def _permitted(target: _Target, policy: DownloadPolicy, timeout_s: float) -> list[Endpoint]:
    """Returns the target's addresses that the policy allows; at least one."""
    endpoints = resolve(target.host, target.port, timeout_s)
    if target.host not in policy.allowed_hosts:
        networks = policy.allowed_networks
        endpoints = [
            endpoint
            for endpoint in endpoints
            if is_public(endpoint.address) or any(endpoint.address in network for network in networks)
        ]
    if not endpoints:
        raise _failed("its address is not a public one; the settings can allow the host or its network")
    return endpoints


def _connect(endpoints: list[Endpoint], remaining_s: Callable[[], float]) -> socket.socket:
    """Connects to the first endpoint that answers. The remaining time is shared among the endpoints."""
    failure: OSError | None = None
    for tried, endpoint in enumerate(endpoints):
        link = socket.socket(endpoint.family, socket.SOCK_STREAM)
        try:
            link.settimeout(remaining_s() / (len(endpoints) - tried))
            link.connect(endpoint.sockaddr)
        except OSError as error:
            link.close()
            failure = error
        else:
            return link
    raise failure or OSError("no address")


@functools.lru_cache(maxsize=4)
def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Returns TLS that verifies certificates and host names with the system's authorities and those of ``ca_file``.

    Loading the authorities is slow, so the result is cached. Raises ConfigError for a file that cannot be used.
    """
    try:
        return client_context(ca_file, system_authorities=True)
    except OSError as error:
        reason = "holds no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(
            f"api.download_ca_file: cannot use {ca_file}: {reason}; give the authority's certificate in PEM form"
        ) from error


class _Stream(io.RawIOBase):
    """Reads from a socket until the total time is over; with a limit per packet a server could send for hours."""

    def __init__(self, link: socket.socket, remaining_s: Callable[[], float]) -> None:
        super().__init__()
        self._link = link
        self._remaining_s = remaining_s

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._link.settimeout(self._remaining_s())
        return self._link.recv_into(buffer)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Returns the buffered reader; HTTPResponse calls nothing else of a socket."""
        return io.BufferedReader(self)


def _ask(target: _Target, link: socket.socket, remaining_s: Callable[[], float]) -> HTTPResponse:
    """Sends the request; returns the response with its headers read."""
    lines = (
        f"GET {target.path} HTTP/1.1",
        f"Host: {target.netloc}",
        "Accept: image/*, */*;q=0.1",
        "Accept-Encoding: identity",
        "User-Agent: edge-lpr",
        "Connection: close",
    )
    link.settimeout(remaining_s())
    link.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
    response = HTTPResponse(cast(socket.socket, _Stream(link, remaining_s)), method="GET")
    response.begin()
    return response


def _picture(response: HTTPResponse, max_bytes: int) -> bytes:
    """Returns the whole body."""
    if response.status != 200:
        raise _failed(f"the server answered with status {response.status}")
    if any(value.strip().lower() not in ("", "identity") for value in response.headers.get_all("Content-Encoding", [])):
        raise _failed("the server sends it compressed, though asked not to")
    if response.headers.get("Transfer-Encoding", "chunked").strip().lower() != "chunked":
        raise _failed("the server sends it in an encoding that is not understood")
    promised = response.length
    content = bytearray()
    while promised is None or promised <= max_bytes:
        chunk = response.read(min(_CHUNK_BYTES, max_bytes + 1 - len(content)))
        content += chunk
        if len(content) > max_bytes:
            break
        if not chunk:
            if promised is not None and len(content) < promised:
                raise _failed("the connection broke off")
            return bytes(content)
    raise ApiError(
        ErrorCode.TOO_LARGE_FILE, f"The picture behind `ImageUrl` takes more than {max_bytes / 1_048_576:g} MB."
    )
