"""The short form of the fault tests: no passage is lost. The Makefile has the targets for the full size."""

from __future__ import annotations

import pytest

from tests.faults.broker_kills import kill_broker
from tests.faults.kills import kill_producer, kill_program
from tests.faults.offline_day import offline
from tests.faults.table import run

pytestmark = pytest.mark.usefixtures("mosquitto_program", "models_dir")

SHORT = ("connection cut", "quota exceeded, disk full", "half-open, answers vanish")
"""Faults for the short form.

Few of them reconnect, because the gate waits longer after each. The pause of half a minute is for the full size.
"""


def test_no_fault_between_gate_and_broker_loses_a_passage() -> None:
    rows = run(SHORT, patient=False)
    assert [row.fault for row in rows] == list(SHORT)
    assert all(row.tally.is_sound for row in rows), rows
    assert sum(row.tally.produced for row in rows) > 10


def test_killing_the_gate_loses_no_passage() -> None:
    for kill, times in ((kill_producer, 4), (kill_program, 1)):
        counts, damaged = kill(times)
        assert counts.is_sound, counts
        assert counts.produced > 0 and damaged == 0


def test_killing_the_broker_loses_no_passage() -> None:
    counts = kill_broker(1)
    assert counts.is_sound, counts


def test_a_day_without_a_broker_loses_no_passage_and_reading_goes_on() -> None:
    day = offline(20)
    assert day.tally.is_sound, day
    assert day.tally.produced >= 20
