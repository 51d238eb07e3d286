"""The short form of the soak: a few faults, each once; nothing is lost, and what was opened is closed again."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from tests.faults.disturbances import ALL
from tests.faults.soak import Growth, faults, plot
from tests.faults.soaking import Plan, soak
from tests.faults.vitals import slope

SHORT = (
    "broker killed, restarted",
    "half-open, answers vanish",
    "camera: freeze",
    "settings spoilt",
    "crowd of requests",
)


@pytest.mark.usefixtures("mosquitto_program", "models_dir")
def test_a_gate_comes_through_a_short_soak(tmp_path: Path) -> None:
    chosen = [disturbance for disturbance in ALL if disturbance.name in SHORT]
    assert len(chosen) == len(SHORT)
    brisk = Plan(None, chosen, vehicle_s=1.5, gap_s=0.5, fault_s=(0.5, 1.0), peace_s=(0.2, 0.5), sample_s=0.5)
    result = soak(brisk)
    growth = Growth.of(result.samples)
    assert list(faults(result, growth)) == []
    assert {happening.name for happening in result.happenings} == set(SHORT)
    assert result.tally.produced > len(SHORT) and result.sightings.driven > 0
    plot(tmp_path / "soak.png", result, growth)
    assert cv2.imread(str(tmp_path / "soak.png")) is not None


def test_a_slope_is_found_with_its_interval() -> None:
    times = [2.0 * number for number in range(900)]
    rising = slope(times, [100 + 6 * at_s / 3600 + number % 5 for number, at_s in enumerate(times)])
    assert rising is not None and rising.low < 6 < rising.high and rising.high - rising.low < 1
    assert slope(times[:100], [0.0] * 100) is None
