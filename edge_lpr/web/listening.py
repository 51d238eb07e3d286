"""The listening socket and the certificate of the HTTP server. Nothing here needs the server's libraries."""

from __future__ import annotations

import socket
import ssl

from edge_lpr.config import ApiSettings
from edge_lpr.errors import ConfigError, ListenError
from edge_lpr.host.tls import server_context

BACKLOG = 128
"""Connections that wait for the server."""


def tls_context(settings: ApiSettings) -> ssl.SSLContext | None:
    """Returns TLS 1.2 or newer with the certificate of the settings; None without one. Raises ConfigError."""
    if settings.tls_cert_file is None or settings.tls_key_file is None:
        return None
    try:
        return server_context(settings.tls_cert_file, settings.tls_key_file)
    except OSError as error:
        raise ConfigError(
            f"api.tls_cert_file: cannot use {settings.tls_cert_file} with {settings.tls_key_file}:"
            f" {error.strerror or error}; give a certificate in PEM form, and its key without password"
        ) from error


def listen(settings: ApiSettings) -> socket.socket:
    """Returns a listening socket at the address of the settings. Raises ListenError."""
    address = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"api.host: {address}: {error.strerror}; give an address of this device") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(f"api: cannot listen at {address}: {error.strerror}; change api.host or api.port") from error
    return listener
