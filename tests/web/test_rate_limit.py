"""The limit of requests in a time window."""

from __future__ import annotations

from edge_lpr.web.rate_limit import RateLimit


def test_requests_are_counted_for_each_client_over_a_sliding_second() -> None:
    rate = RateLimit(2)
    assert [rate.admits("a", at_s) for at_s in (0.0, 0.5, 0.9, 1.0, 1.4, 1.5)] == [True, True, False, True, False, True]
    assert rate.admits("b", 0.9)
