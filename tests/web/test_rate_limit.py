"""The limits of requests in a time window, of keys and of addresses."""

from __future__ import annotations

import sys
from ipaddress import ip_address

from edge_lpr.web.rate_limit import NETWORK_FACTOR, AddressLimit, RateLimit

NEIGHBOURS = [ip_address(f"2001:db8:1:2::{number:x}") for number in range(1, 2000)]


def test_requests_are_counted_for_each_client_over_a_sliding_second() -> None:
    rate = RateLimit(2)
    assert [rate.admits("a", at_s) for at_s in (0.0, 0.5, 0.9, 1.0, 1.4, 1.5)] == [True, True, False, True, False, True]
    assert rate.admits("b", 0.9)


def test_an_address_has_its_limit_in_each_window() -> None:
    limit = AddressLimit(5, 60.0)
    address = ip_address("192.0.2.7")
    assert [limit.admits(address, 1000.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert limit.is_reached(address, 1001.0) and not limit.is_reached(address, 1012.0)
    assert limit.admits(ip_address("192.0.2.8"), 1000.0)
    assert [limit.admits(address, 1060.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_neighbour_in_the_same_ipv6_network_does_not_use_up_the_limit_of_others() -> None:
    limit = AddressLimit(10)
    assert sum(limit.admits(NEIGHBOURS[0], 0.0) for _ in range(1000)) == 10
    assert limit.admits(NEIGHBOURS[1], 0.0)
    link_local = [ip_address(f"fe80::{number}%eth0") for number in (1, 2)]
    assert sum(limit.admits(link_local[0], 0.0) for _ in range(1000)) == 10
    assert limit.admits(link_local[1], 0.0)


def test_a_client_with_many_addresses_has_the_limit_of_its_network() -> None:
    limit = AddressLimit(10)
    assert sum(limit.admits(address, 0.0) for address in NEIGHBOURS) == 10 * NETWORK_FACTOR
    assert limit.admits(ip_address("2001:db8:1:3::1"), 0.0)


def test_a_known_address_is_not_excluded_by_its_network() -> None:
    limit = AddressLimit(10)
    limit.mark_known(NEIGHBOURS[-1])
    for address in NEIGHBOURS[:-1]:
        limit.admits(address, 0.0)
    assert limit.is_reached(NEIGHBOURS[-2], 0.0)
    assert sum(limit.admits(NEIGHBOURS[-1], 0.0) for _ in range(100)) == 10


def test_many_addresses_take_no_more_memory() -> None:
    limit = AddressLimit(10)

    def size() -> int:
        parts = (limit._addresses._full_again_s, limit._networks._full_again_s, limit._known)
        return sum(sys.getsizeof(part) for part in parts)

    for number in range(1000):
        limit.mark_known(ip_address(number))
    before = size()
    for number in range(20_000):
        limit.admits(ip_address(2**64 * number + 2**100), 0.0)
        limit.mark_known(ip_address(number))
    assert size() == before
