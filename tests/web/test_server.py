"""The web server reports an address or a certificate that it cannot use in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_lpr.errors import ConfigError, ListenError
from tests.support.api import ServedApi, StartApi


def test_an_address_that_cannot_be_used_is_an_error_with_a_remedy(api: ServedApi, start_api: StartApi) -> None:
    with pytest.raises(ListenError, match=r"cannot listen at 127\.0\.0\.1:\d+: .*; change api\.host or api\.port"):
        start_api(port=api.settings.port)
    with pytest.raises(ListenError, match=r"192\.0\.2\.1"):
        start_api(host="192.0.2.1", port=api.settings.port)


def test_a_certificate_that_cannot_be_used_is_an_error_of_one_line(
    tmp_path: Path, certificates: Path, start_api: StartApi
) -> None:
    for name in ("absent.pem", "ca.pem"):
        with pytest.raises(ConfigError, match=r"api\.tls_cert_file: cannot use .*; give a certificate") as caught:
            start_api(tls_cert_file=certificates / name, tls_key_file=certificates / "server.key")
        assert "\n" not in str(caught.value)
