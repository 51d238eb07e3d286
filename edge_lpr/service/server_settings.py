"""Checks what the server's process will need, so that a mistake in the settings keeps the service from starting."""

from __future__ import annotations

from edge_lpr.api.image_download import trusting
from edge_lpr.api.keys import load_keys
from edge_lpr.config import Settings
from edge_lpr.page.login_sessions import load_token
from edge_lpr.web.listening import tls_context


def check_server_settings(settings: Settings) -> None:
    """Raises ConfigError for a keys file, token file, certificate or authority that cannot be used."""
    if settings.api.enabled:
        if settings.api.keys_file is not None:
            load_keys(settings.api.keys_file)
        trusting(settings.api.download_ca_file)
    if settings.page.enabled:
        load_token(settings.page)
    tls_context(settings.api)
