"""Downloads the picture of an ``ImageUrl``, with checks against hostile URLs and servers.

Allowed are http and https without credentials, any port, and public addresses outside of the gate's own networks; the
settings can allow further hosts and networks. A name is resolved once, and the connection goes to the address that was
checked, so a name server cannot answer differently the second time. Each redirect passes all checks again and must not
lead from https to http. One time limit covers everything from the first look-up to the last byte. ``http_answer`` reads
the answer with bounds. Proxy settings are not used.
"""

from __future__ import annotations

import functools
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from edge_lpr.api.addresses import Endpoint, outside, resolve
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.http_answer import AnswerError, AnswerTooLarge, HttpAnswer
from edge_lpr.config.api import Network, canonical_host
from edge_lpr.errors import ConfigError
from edge_lpr.host.tls import client_context

MAX_URL_LENGTH = 8192
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
    except AnswerTooLarge as error:
        limit = f"{policy.max_bytes / 1_048_576:g} MB"
        raise ApiError(ErrorCode.TOO_LARGE_FILE, f"The picture behind `ImageUrl` takes more than {limit}.") from error
    except AnswerError as error:
        raise _failed(str(error)) from error
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
        with _connected(target, policy, remaining_s) as link:
            _ask(target, link, remaining_s)
            answer = HttpAnswer(link, remaining_s, policy.max_bytes)
            if answer.status not in _REDIRECTS:
                return answer.picture()
            location = answer.header("Location").decode("utf-8", "replace")
        if not location:
            raise _failed("it leads nowhere")
        try:
            redirected = _parse(urljoin(target.url, location))
        except ValueError as error:
            raise _failed(f"it leads to a URL that is refused ({error})") from error
        if target.scheme == "https" and redirected.scheme == "http":
            raise _failed("it leads from https to http")
        target = redirected
    raise _failed(f"more than {policy.max_redirects} redirects")


@contextmanager
def _connected(target: _Target, policy: DownloadPolicy, remaining_s: Callable[[], float]) -> Iterator[socket.socket]:
    """Yields a connection to a checked address, with TLS for https."""
    with _connect(_permitted(target, policy, remaining_s), remaining_s) as plain:
        if target.scheme == "http":
            yield plain
            return
        plain.settimeout(remaining_s())  # for the whole handshake, not for each packet
        with trusting(policy.ca_file).wrap_socket(plain, server_hostname=target.host) as encrypted:
            yield encrypted


def _permitted(target: _Target, policy: DownloadPolicy, remaining_s: Callable[[], float]) -> list[Endpoint]:
    """Returns the target's addresses that the policy allows; at least one."""
    endpoints = resolve(target.host, target.port, remaining_s())
    if target.host not in policy.allowed_hosts:
        allowed = [each for each in endpoints if any(each.address in network for network in policy.allowed_networks)]
        others = [each for each in endpoints if each not in allowed]
        permitted = allowed + outside(others, remaining_s())
        endpoints = [each for each in endpoints if each in permitted]  # in the system's order of preference
    if not endpoints:
        raise _failed("its address is not a public one, or is in the gate's own network; the settings can allow it")
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


def _ask(target: _Target, link: socket.socket, remaining_s: Callable[[], float]) -> None:
    """Sends the request."""
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
