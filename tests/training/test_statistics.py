"""The statistics of the records: shares, calibration, corner errors, confusions."""

from __future__ import annotations

import pytest

from models.training.measure import statistics
from models.training.measure.statistics import Share
from tests.support.plate_records import QUAD, moved, record


def test_an_unread_plate_counts_as_wrong_and_an_unknown_number_does_not_count() -> None:
    records = [record(), record(read=None), record(read="京A12346"), record(true=None, read="京A1")]
    assert statistics.exact(records) == Share(1, 3)
    assert statistics.wrong_and_confident(records) == Share(1, 2)


def test_a_wrong_province_is_counted_of_all_plates() -> None:
    records = [record(), record(read="津A12345"), record(read="京A12346"), record(read=None)]
    assert statistics.wrong_province(records) == Share(1, 4)


def test_colours_and_rows_are_counted_of_the_plates_that_were_read() -> None:
    records = [record(), record(read_color="绿", rows=2), record(read=None)]
    assert statistics.color_right(records) == Share(1, 2)
    assert statistics.rows_right(records) == Share(1, 2)


def test_calibration_error_is_the_difference_of_confidence_and_right_readings() -> None:
    calibrated = [record(confidence=80, read="京A12345" if i % 5 else "京A12346") for i in range(100)]
    assert statistics.calibration_error(calibrated) == pytest.approx(0, abs=0.1)
    overconfident = [record(confidence=99, read="京A12346") for _ in range(20)]
    assert statistics.calibration_error(overconfident) == pytest.approx(99)


def test_corner_errors_are_shares_of_the_plates_height() -> None:
    records = [record(quad=moved(QUAD, 3.2, 0), detected=moved(QUAD, 0, 6.4))]
    assert statistics.corner_errors(records, statistics.reported_quad).mean == pytest.approx(10)
    assert statistics.corner_errors(records, statistics.detector_quad).mean == pytest.approx(20)
    assert statistics.corner_errors([], statistics.reported_quad).plates == 0


def test_a_plate_that_is_half_overlapped_is_not_detected() -> None:
    records = [record(), record(detected=moved(QUAD, 50, 0)), record(detected=None)]
    assert statistics.detected(records, statistics.detector_quad) == Share(1, 3)


def test_confusions_are_of_readings_as_long_as_the_number() -> None:
    records = [record(read="京B12346"), record(read="京B12345"), record(read="京A1234"), record()]
    assert statistics.confusions(records) == {("A", "B"): 2, ("5", "6"): 1}
