"""Statistics count vehicles by a pseudonym whose key is deleted after some days."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from edge_lpr.errors import EvidenceError
from edge_lpr.messages.schemas import load_schema
from edge_lpr.messages.statistics import StatisticsMessage
from edge_lpr.service.statistics import PassageStatistics, Pseudonyms
from tests.support.samples import PASSAGE

CAR, OTHER = "粤LQ092V", "京AF0236"


def test_statistics_have_the_same_pseudonym_for_a_vehicle_and_not_its_number(tmp_path: Path) -> None:
    pseudonyms, day = Pseudonyms(tmp_path, key_days=2), date(2025, 3, 1)
    first = pseudonyms.of(CAR, day)
    assert first == pseudonyms.of(CAR, day) != pseudonyms.of(OTHER, day)
    assert Pseudonyms(tmp_path, key_days=2).of(CAR, date(2025, 3, 2)) == first
    assert stat.S_IMODE((tmp_path / "statistics-key.json").stat().st_mode) == 0o600
    old_key = (tmp_path / "statistics-key.json").read_text()
    assert pseudonyms.of(CAR, date(2025, 3, 3)) != first
    assert (tmp_path / "statistics-key.json").read_text() != old_key
    sent: list[StatisticsMessage] = []
    PassageStatistics(pseudonyms, "gate-1", sent.append).publish(PASSAGE)
    message = sent[0].to_json()
    Draft202012Validator(load_schema("statistics")).validate(message)
    assert PASSAGE.number not in str(message)
    assert message["Hour"] == "2025-03-01T08:00:00.000+08:00"


def test_without_a_key_nothing_is_counted_and_no_number_is_published(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[object] = []
    pseudonyms = Pseudonyms(tmp_path / "absent", key_days=1)
    with pytest.raises(EvidenceError, match="cannot be written"):
        pseudonyms.of(CAR, date(2025, 3, 1))
    PassageStatistics(pseudonyms, "gate-1", sent.append).publish(PASSAGE)
    assert sent == []
    assert "this passage is not counted" in caplog.text
