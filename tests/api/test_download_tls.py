"""Downloads over TLS: certificates, authorities, and redirects between https and http."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edge_lpr.api.build import create_dispatcher
from edge_lpr.api.image_download import fetch
from edge_lpr.config import ApiSettings, DeviceSettings
from edge_lpr.errors import ConfigError
from edge_lpr.images import read_picture
from tests.api.photo_site import LOOPBACK, PICTURE, SiteServer, failure


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, and with leaf.pem and leaf.key for ``localhost``."""
    folder = tmp_path_factory.mktemp("tls")
    request = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    )
    ca = ("-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    leaf = ("-subj", "/CN=leaf", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-keyout", "leaf.key", "-out", "leaf.pem")
    for arguments in (ca, leaf + signed):
        subprocess.run(request + arguments, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def server_names() -> list[str | None]:
    """The host names that clients of ``secure_site`` sent in the TLS handshake (SNI)."""
    return []


@pytest.fixture(scope="module")
def secure_site(start_site: Callable[..., SiteServer], authority: Path, server_names: list[str | None]) -> SiteServer:
    """A running site with TLS. It records the requested host names in ``server_names``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "leaf.pem", authority / "leaf.key")
    context.sni_callback = lambda _socket, name, _context: server_names.append(name)
    return start_site(context)


def test_a_certificate_is_verified_for_the_host_name_of_the_url(
    secure_site: SiteServer, server_names: list[str | None], authority: Path
) -> None:
    hosts = frozenset({"localhost", "127.0.0.1"})
    policy = replace(LOOPBACK, allowed_hosts=hosts, ca_file=authority / "ca.pem")
    assert fetch(secure_site.url(host="localhost"), policy) == PICTURE
    assert server_names[-1] == "localhost"
    assert "certificate is not accepted" in failure(secure_site.url(), policy)
    assert "certificate is not accepted" in failure(secure_site.url(host="localhost"), replace(policy, ca_file=None))


def test_an_authority_that_cannot_be_used_is_reported_at_the_start(authority: Path, tmp_path: Path) -> None:
    device = DeviceSettings(state_dir=tmp_path)
    for name, reason in (("absent.pem", "No such file"), ("leaf.key", "holds no certificate")):
        settings = ApiSettings(download_ca_file=authority / name)
        with pytest.raises(
            ConfigError, match=rf"api\.download_ca_file: cannot use .*{name}: {reason}.*; give the"
        ) as caught:
            create_dispatcher(settings, device, lambda _: [], read_picture)
        assert "\n" not in str(caught.value)


def test_a_redirect_from_https_to_http_is_refused_and_the_reverse_is_followed(
    site: SiteServer, secure_site: SiteServer, authority: Path
) -> None:
    policy = replace(LOOPBACK, allowed_hosts=frozenset({"localhost"}), ca_file=authority / "ca.pem")
    secure = secure_site.url(host="localhost")
    assert fetch(site.url(f"/redirect?{secure}"), policy) == PICTURE
    leaving = secure_site.url(f"/redirect?{site.url()}", host="localhost")
    assert "from https to http" in failure(leaving, policy)


def test_an_https_url_of_a_plain_http_server_is_an_error(site: SiteServer) -> None:
    assert "TLS failed" in failure(site.url().replace("http:", "https:"))
