"""A step of the wall clock is detected, and the timestamps of vehicles in sight are shifted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from edge_lpr.host.clock import ClockStepDetector, SettledClock
from tests.tracking.film import START, Film, plate


class Clocks:
    wall_s = 1_700_000_000.0
    monotonic_s = 50.0

    def run(self, seconds: float, *, drift: float = 0.0) -> None:
        self.monotonic_s += seconds
        self.wall_s += seconds + drift


def test_a_step_is_reported_once_and_drift_is_not_a_step() -> None:
    clocks = Clocks()
    detector = ClockStepDetector(lambda: clocks.wall_s, lambda: clocks.monotonic_s)
    for _ in range(1000):
        clocks.run(0.1, drift=0.001)
        assert detector.measure_step_s() == 0.0
    clocks.run(0.1, drift=86400.0)
    assert detector.measure_step_s() == pytest.approx(86400.0)
    clocks.run(0.1)
    assert detector.measure_step_s() == 0.0
    clocks.run(0.1, drift=-3600.0)
    assert detector.measure_step_s() == pytest.approx(-3600.0)


def test_timestamps_of_a_vehicle_in_sight_follow_the_clock() -> None:
    film = Film()
    film.show(plate("京AF0236", confidence=90))
    film.tracker.shift_clock(timedelta(days=365))
    film.show(plate("京AF0236", confidence=60))
    film.end()
    (passage,) = film.passages
    assert passage.first_seen_at == START + timedelta(days=365, seconds=100.1)
    assert passage.captured_at == passage.first_seen_at, "the first frame was better"


def test_a_clock_settles_an_hour_after_it_was_set() -> None:
    clocks = Clocks()
    synchronized = False
    clock = SettledClock(lambda: synchronized, lambda: clocks.wall_s, lambda: clocks.monotonic_s)

    def settled_after(seconds: float) -> bool:
        for _ in range(int(seconds)):
            clocks.run(1.0)
            answer = clock.is_settled()
        return answer

    assert not settled_after(7200), "it was never synchronized"
    synchronized = True
    assert not settled_after(3599)
    assert settled_after(2)
    clocks.run(0.0, drift=10 * 365 * 86400.0)  # it jumps ahead
    assert not clock.is_settled()
    assert not settled_after(3599)
    clocks.run(0.0, drift=-10 * 365 * 86400.0)
    assert not settled_after(3599)
    assert settled_after(3)
    synchronized = False
    assert not clock.is_settled()
