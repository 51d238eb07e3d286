"""TLS contexts of version 1.2 or newer, with certificates and keys from PEM files.

Every function raises OSError for a file that cannot be used; ``ssl.SSLError`` is an OSError.
"""

from __future__ import annotations

import ssl
from pathlib import Path


def client_context(ca_file: Path | None, *, system_authorities: bool) -> ssl.SSLContext:
    """Returns a context that verifies the server's certificate and host name.

    With ``system_authorities`` the authorities of the system and those in ``ca_file`` are trusted; without it only
    those in ``ca_file``. If ``ca_file`` is None, the authorities of the system are trusted.
    """
    if ca_file is None or system_authorities:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def server_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """Returns a context that presents the certificate in ``cert_file``."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificate(context, cert_file, key_file)
    return context


def load_certificate(context: ssl.SSLContext, cert_file: Path, key_file: Path | None) -> None:
    """Adds this side's certificate and its key; ``key_file`` is None where ``cert_file`` holds both."""
    # An empty password makes an encrypted key an error here. Without it OpenSSL would ask on the terminal.
    context.load_cert_chain(cert_file, key_file, password="")
