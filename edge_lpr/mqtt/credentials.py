"""Reads the password and the certificates of the broker connection from their files.

They are read again for every connection, so a corrected file works without a restart. No error text and no log line
contains a secret.
"""

from __future__ import annotations

import ssl
from pathlib import Path

from edge_lpr.config import TlsSettings
from edge_lpr.errors import ConfigError
from edge_lpr.host.secret_file import read_secret
from edge_lpr.host.tls import client_context, load_certificate


def read_password(path: Path) -> str:
    """Returns the password: the text of the file without the line end. Raises ConfigError with one line."""
    try:
        password = read_secret(path)
    except OSError as error:
        raise ConfigError(
            f"mqtt.password_file: cannot read {path}: {error.strerror}; put the broker's password there, readable by"
            " the service's user"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"mqtt.password_file: {path} is not UTF-8 text; save the password as plain text") from error
    if not password:
        raise ConfigError(f"mqtt.password_file: {path} is empty; put the broker's password there")
    return password


def tls_context(settings: TlsSettings) -> ssl.SSLContext:
    """Returns a context for TLS 1.2 or newer. Raises ConfigError for a file that cannot be used.

    With ``ca_file`` only that authority is trusted. With ``insecure`` the broker's certificate is not checked at all.
    """
    try:
        context = client_context(settings.ca_file, system_authorities=False)
    except OSError as error:
        raise _unusable("ca_file", settings.ca_file, error, "the authority's certificate in PEM form") from error
    if settings.cert_file is not None:
        try:
            load_certificate(context, settings.cert_file, settings.key_file)
        except OSError as error:
            raise _unusable(
                "cert_file", settings.cert_file, error, "a certificate, and in key_file its key without password"
            ) from error
    if settings.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _unusable(name: str, path: Path | None, error: OSError, remedy: str) -> ConfigError:
    # An ssl.SSLError is an OSError whose strerror is the text of the OpenSSL library.
    return ConfigError(f"mqtt.tls.{name}: cannot use {path}: {error.strerror or error}; give {remedy}")
