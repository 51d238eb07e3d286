"""The short form of the soak test: a few faults, each once. Nothing is lost, and no descriptor stays open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import pytest

from tests.faults.disturbances import ALL
from tests.faults.process_sampling import Sample, slope
from tests.faults.soak import Growth, faults, plot
from tests.faults.soak_run import Plan, Soak, soak
from tests.faults.tally import Tally
from tests.faults.traffic import Drive, Sightings, sightings

SHORT = (
    "broker killed, restarted",
    "half-open, answers vanish",
    "camera: freeze",
    "settings invalid",
    "many requests",
)


@pytest.mark.usefixtures("mosquitto_program", "models_dir")
def test_a_gate_passes_a_short_soak(tmp_path: Path) -> None:
    chosen = [disturbance for disturbance in ALL if disturbance.name in SHORT]
    assert len(chosen) == len(SHORT)
    plan = Plan(None, chosen, vehicle_s=1.5, gap_s=0.5, fault_s=(0.5, 1.0), pause_s=(0.2, 0.5), sample_s=0.5)
    result = soak(plan)
    growth = Growth.of(result.samples)
    assert list(faults(result, growth)) == []
    assert {record.name for record in result.records} == set(SHORT)
    assert result.tally.produced > len(SHORT) and result.sightings.driven > 0
    plot(tmp_path / "soak.png", result, growth)
    assert cv2.imread(str(tmp_path / "soak.png")) is not None


def test_growth_and_losses_are_findings() -> None:
    samples = [Sample(10.0 * n, 150, 100 + n, 13 + n // 10, 10, 0.1 * n, 0, 250 * n, 0) for n in range(200)]
    result = Soak(Tally(9, 8, 0, 1, 0, 0, 0), Sightings(9, 0, 1, 0), (), samples, (13, 14), "Traceback")
    findings = list(faults(result, Growth.of(samples)))
    assert [each.split(":")[0].split()[-1] for each in findings] == [
        "passages", "vehicles", "log", "after", "MB", "descriptors",
    ]  # fmt: skip


def test_each_vehicle_is_compared_with_its_passages() -> None:
    began = datetime(2025, 3, 1, 12, tzinfo=UTC)
    drives = [Drive(number, began + timedelta(seconds=5 * n), n != 3) for n, number in enumerate("ABCD")]

    def passage(number: str, second: int, request_id: str) -> dict[str, Any]:
        seen = (began + timedelta(seconds=second)).isoformat()
        return {"Response": {"Number": number, "RequestId": request_id}, "Event": {"FirstSeenAt": seen}}

    passages = [
        passage("B", 6, "1"),
        passage("B", 6, "1"),
        passage("C", 11, "2"),
        passage("C", 16, "3"),
        passage("X", 14, "4"),
    ]
    assert sightings(drives, passages, since=began) == Sightings(driven=3, missed=1, twice=1, misread=1)
    assert sightings(drives, passages, since=drives[1].began).missed == 0


def test_a_slope_is_found_with_its_interval() -> None:
    times = [2.0 * number for number in range(900)]
    rising = slope(times, [100 + 6 * at_s / 3600 + number % 5 for number, at_s in enumerate(times)])
    assert rising is not None and rising.low < 6 < rising.high and rising.high - rising.low < 1
    assert slope(times[:100], [0.0] * 100) is None
