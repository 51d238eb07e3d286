"""Which addresses a download may reach."""

from __future__ import annotations

import socket
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_lpr.api.addresses import is_public
from edge_lpr.api.image_download import DownloadPolicy, fetch
from edge_lpr.config.api import parse_network
from tests.api.photo_site import LOOPBACK, PICTURE, SiteServer, failure


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "0", "localhost", "LOCALHOST."),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *("10.0.0.1", "192.168.1.1", "172.31.0.1", "100.64.0.1", "169.254.169.254", "224.0.0.1", "255.255.255.255"),
        *("[fe80::1]", "[fd00::1]", "[ff02::1]", "[fec0::1]", "１２７.0.0.1"),
    ],
)
def test_private_addresses_are_refused_in_any_notation(site: SiteServer, host: str) -> None:
    before = len(site.requests)
    message = failure(site.url(host=host), DownloadPolicy())
    assert "not a public one" in message or "name is not known" in message
    assert len(site.requests) == before


@pytest.mark.parametrize("text", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "2400:3200::1", "2a00::1"])
def test_public_addresses_are_recognised(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_special_addresses_are_not_public(address: object) -> None:
    v4 = ip_address(str(address))
    if v4.is_private or v4.is_loopback or v4.is_link_local or v4.is_multicast or v4.is_reserved or v4.is_unspecified:
        assert not is_public(v4)
    for embedding in (f"::ffff:{v4}", f"64:ff9b::{v4}", f"::{v4}"):
        assert not is_public(ip_address(embedding))


def test_an_allowed_host_is_allowed_by_its_name_only(site: SiteServer) -> None:
    policy = DownloadPolicy(allowed_hosts=frozenset({"localhost"}))
    assert fetch(site.url(host="LocalHost."), policy) == PICTURE
    assert "not a public one" in failure(site.url(), policy)


def test_an_allowed_network_covers_ipv4_addresses_mapped_into_ipv6(site: SiteServer) -> None:
    assert fetch(site.url(host="[::ffff:127.0.0.1]"), LOOPBACK) == PICTURE
    only_lan = replace(LOOPBACK, allowed_networks=(parse_network("192.168.1.0/24"),))
    assert "not a public one" in failure(site.url(), only_lan)


def test_a_host_name_is_resolved_once(site: SiteServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards against DNS rebinding: a second look-up would return another address. The test replaces the resolver."""
    resolve = socket.getaddrinfo
    answers: list[str] = []

    def rebinding_resolver(host: str, *arguments: Any, **options: Any) -> object:
        assert host == "rebinding.example"
        answers.append("127.0.0.1" if not answers else "169.254.169.254")
        return resolve(answers[-1], *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding_resolver)
    assert fetch(site.url(host="rebinding.example"), LOOPBACK) == PICTURE
    assert answers == ["127.0.0.1"]
    assert site.requests[-1][1]["Host"] == f"rebinding.example:{site.server_port}"
