"""Addresses of the gate's own network are not fetched, even if they are public."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import textwrap
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any

import pytest

from edge_lpr.api import addresses
from edge_lpr.api.local_networks import LocalNetworks
from edge_lpr.api.nat64 import Nat64Prefixes, prefixes_of
from tests.support.needs import absent

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 5.9.0.0
        /16 universe UNICAST
     +-- 81.2.69.0/24 2 0 2
        |-- 81.2.69.0
           /24 link UNICAST
        |-- 81.2.69.2
           /32 host LOCAL
     |-- 81.2.70.1
        /32 link UNICAST
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 link UNICAST
        /1 link UNICAST
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 203.5.6.7
        /32 host LOCAL
"""


def route(prefix: str, *, hop: str = "::", flags: int = 1, interface: str = "eth0") -> str:
    """Returns a line of ipv6_route."""
    address, length = prefix.split("/")
    texts = (f"{int(IPv6Address(address)):032x}", f"{int(length):02x}", "0" * 32, "00", f"{int(IPv6Address(hop)):032x}")
    return " ".join((*texts, "00000100", "00000001", "00000000", f"{flags:08x}", interface.rjust(8))) + "\n"


IPV6_ROUTE = "".join(
    (
        route("2408:8000:1:2::/64"),
        route("2408:8000:1:2::10/128", flags=0x80200001),
        route("2a00:1:2:3::4/128", flags=0x80200001, interface="ppp0"),
        route("2a01:5::/32", hop="fe80::1", flags=3),
        route("::/0", hop="fe80::1", flags=3),
        route("::/0", interface="ppp0"),
        route("2000::/3", interface="wg0"),
        route("2600::/16", flags=0x201, interface="lo"),
        route("fe80::/64"),
    )
)


def is_local(text: str, local: LocalNetworks) -> bool:
    return any(ip_address(text) in network for network in local.networks)


def test_own_addresses_and_directly_connected_networks_are_local() -> None:
    local = LocalNetworks(FIB_TRIE, IPV6_ROUTE)
    for text in ("127.0.0.1", "81.2.69.2", "81.2.69.200", "81.2.70.1", "203.5.6.7"):
        assert is_local(text, local), text
    for text in ("2408:8000:1:2::10", "2408:8000:1:2::20", "2408:8000:1:3::1", "2a00:1:2:3::4", "fe80::2"):
        assert is_local(text, local), text


def test_what_is_behind_a_router_is_not_local_nor_is_a_default_route() -> None:
    local = LocalNetworks(FIB_TRIE, IPV6_ROUTE)
    for text in ("8.8.8.8", "5.9.1.1", "81.2.70.2", "203.5.6.8", "200.1.1.1"):
        assert not is_local(text, local), text
    for text in ("2606:4700::1111", "2408:8000:2::1", "2a01:5::1", "2600::1"):
        assert not is_local(text, local), text


def test_the_kernel_tells_the_networks_of_this_machine() -> None:
    assert is_local("127.0.0.1", LocalNetworks.read())


def test_a_kernel_without_ipv6_has_ipv4_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edge_lpr.api.local_networks._IPV6_ROUTES", tmp_path / "absent")
    assert is_local("127.0.0.1", LocalNetworks.read())


def test_an_unknown_table_is_an_error_and_no_address_is_public(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("edge_lpr.api.local_networks._IPV4_ROUTES", tmp_path / "absent")
    endpoint = addresses.Endpoint(socket.AF_INET, ("8.8.8.8", 80), ip_address("8.8.8.8"))
    with pytest.raises(OSError):
        addresses.outside([endpoint], 1.0)


PROGRAM = """
    import socket, subprocess, threading
    from edge_lpr.api.errors import ApiError
    from edge_lpr.api.image_download import DownloadPolicy, fetch
    def run(*words): subprocess.run(words, check=True)
    run("ip", "link", "set", "lo", "up")
    for address in ("2408:8000:1:2::10/64", "2408:8000:1:2::20/64"):
        run("ip", "address", "add", address, "dev", "lo", "nodad")
    for address in ("81.2.69.10/24", "81.2.70.1/32"):
        run("ip", "address", "add", address, "dev", "lo")
    run("ip", "route", "add", "81.2.71.0/24", "dev", "lo")
    heard = []
    def serve(host):
        listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        def answer():
            while True:
                client, _ = listener.accept()
                client.recv(9999)
                heard.append(host)
                client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 5\\r\\n\\r\\nlocal")
        threading.Thread(target=answer, daemon=True).start()
        return listener.getsockname()[1]
    def shown(host): return f"[{host}]" if ":" in host else host
    for host in ("2408:8000:1:2::10", "2408:8000:1:2::20", "81.2.69.10", "81.2.70.1"):
        urls = [f"http://{shown(host)}:{serve(host)}/"]
        if "." in host:
            urls.append(urls[0].replace(host, f"[::ffff:{host}]"))
        for url in urls:
            try:
                print("fetched", fetch(url, DownloadPolicy(timeout_s=30)))
            except ApiError as error:
                print("refused" if "own network" in error.message else error.message)
    for host in ("2408:8000:1:2::99", "81.2.69.99", "81.2.71.5"):
        try:
            fetch(f"http://{shown(host)}/", DownloadPolicy(timeout_s=30))
        except ApiError as error:
            print("refused" if "own network" in error.message else error.message)
    print("heard", heard)
"""


def test_services_at_public_addresses_of_this_machine_are_not_fetched(repo_root: Path) -> None:
    """Runs in a network namespace of its own with public addresses."""
    isolated = ("unshare", "--map-root-user", "--net")
    if shutil.which("ip") is None or subprocess.run((*isolated, "true"), capture_output=True, check=False).returncode:
        absent("a network namespace (unshare, ip)")
    command = (*isolated, sys.executable, "-c", textwrap.dedent(PROGRAM))
    done = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.splitlines() == ["refused"] * 9 + ["heard []"], done.stderr


def test_the_prefix_of_nat64_is_found_in_each_form() -> None:
    """The examples of RFC 6052, section 2.4, with the address of ``ipv4only.arpa``."""
    for text, prefix in (
        ("2001:db8:c000:aa::", "2001:db8::/32"),
        ("2001:db8:1c0:0:aa::", "2001:db8:100::/40"),
        ("2001:db8:122:c000:0:aa00::", "2001:db8:122::/48"),
        ("2001:db8:122:3c0:0:aa::", "2001:db8:122:300::/56"),
        ("2001:db8:122:344:c0:0:aa00::", "2001:db8:122:344::/64"),
        ("2001:db8:122:344::192.0.0.171", "2001:db8:122:344::/96"),
    ):
        assert prefix in map(str, prefixes_of(IPv6Address(text)))


def test_an_address_behind_nat64_is_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test replaces the resolver: it stands for a network with NAT64."""
    names: list[str] = []

    def resolver(host: str, port: int, **_: Any) -> object:
        names.append(host)
        found = {"ipv4only.arpa": "2a05:9::c000:aa", "inside.example": "2a05:9::c0a8:101", "other.example": "2a05:8::1"}
        return [(socket.AF_INET6, socket.SOCK_STREAM, 6, "", (found[host], port, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(addresses, "_nat64", Nat64Prefixes(addresses._addresses_of))
    for host, expected in (("inside.example", 0), ("other.example", 1)):
        assert len(addresses.outside(addresses.resolve(host, 80, 5.0), 5.0)) == expected
    assert names.count("ipv4only.arpa") == 1


def test_a_network_without_nat64_has_no_prefix() -> None:
    def unknown(_name: str, _timeout_s: float) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert Nat64Prefixes(unknown).now(1.0) == ()
