"""Exponential back-off: doubling up to the ceiling, with jitter."""

from __future__ import annotations

import pytest

from edge_lpr.backoff import BackOff


def test_the_delay_doubles_up_to_the_ceiling() -> None:
    backoff = BackOff(first_s=1.0, ceiling_s=15.0)
    assert [backoff.full_delay(failures) for failures in range(8)] == [1, 1, 2, 4, 8, 15, 15, 15]
    assert backoff.full_delay(100_000) == 15.0, "a service may fail for months"


@pytest.mark.parametrize(("jitter", "shortest", "longest"), [((0.5, 1.0), 2.0, 4.0), ((1.0, 1.25), 4.0, 5.0)])
def test_the_jitter_is_a_random_factor(jitter: tuple[float, float], shortest: float, longest: float) -> None:
    delays = [BackOff(1.0, 60.0, jitter).delay(3) for _ in range(300)]
    assert shortest <= min(delays) < max(delays) <= longest


def test_the_jitter_does_not_exceed_the_ceiling() -> None:
    assert {BackOff(1.0, 4.0, (1.0, 1.25)).delay(9) for _ in range(100)} == {4.0}
