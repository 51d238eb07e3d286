"""The acceptance criteria: records become rows with a verdict."""

from __future__ import annotations

import numpy as np

from models.training.measure import criteria
from models.training.measure.criteria import Row, Verdict
from models.training.measure.measurement import FloatComparison
from models.training.measure.records import FalseReading, NegativeRecords, Reading
from models.training.test_sets.negatives import Negative
from tests.support.plate_records import QUAD, measurement, record


def verdict(table: list[Row], name: str) -> Verdict:
    """The verdict of the first row of that name: the data sets come again further down, for the detector."""
    return next(row.verdict for row in table if row.name.strip() == name)


def test_a_small_set_is_shown_without_a_limit() -> None:
    table = criteria.rows(measurement([record(read=None)] * 10 + [record(dataset="scenes/far")] * 2000, []))
    assert verdict(table, "scenes, exact readings") is Verdict.PASS
    assert verdict(table, "scenes/toll") is Verdict.NOTE
    assert verdict(table, "scenes/far") is Verdict.PASS


def test_what_could_not_be_measured_is_not_passed() -> None:
    table = criteria.rows(measurement([record()], [record(rendered=True, dataset="scenes/blue")]))
    missing = ("int8 against float", "times faster than hyperlpr2", "rendered scenes, 其它", "kinds of crops")
    for name in missing:
        assert verdict(table, name) is Verdict.NOT_MEASURED, name
    assert "not measured" in criteria.summary(table)
    table = criteria.rows(measurement([record()], []))
    for name in ("calibration error, rendered scenes", "corner error of readings, rendered scenes"):
        assert verdict(table, name) is Verdict.NOT_MEASURED, name


def test_a_kind_below_its_limit_fails_and_the_row_of_the_crops_names_it() -> None:
    good = [record(rendered=True, dataset="scenes/blue"), record(rendered=True, dataset="crops/blue")]
    bad = [record(rendered=True, read=None, dataset=f"{layout}/wj") for layout in ("scenes", "crops")]
    table = criteria.rows(measurement([record()], good + bad))
    assert verdict(table, "scenes/blue") is Verdict.PASS
    assert verdict(table, "scenes/wj") is Verdict.FAIL
    (row,) = [row for row in table if row.name.strip() == "kinds of crops"]
    assert (row.verdict, row.value, row.detail) == (Verdict.FAIL, "1 of 2", "wj 0.0")


def test_int8_fails_where_it_loses_what_the_float_model_reads() -> None:
    lost = FloatComparison([record(), record(read=None)], [record(), record()])
    table = criteria.rows(measurement([record()], [], lost))
    assert verdict(table, "int8 against float, real scenes") is Verdict.FAIL
    assert verdict(table, "int8 against float, rendered crops") is Verdict.NOT_MEASURED
    equal = FloatComparison([record()], [record()])
    table = criteria.rows(measurement([record()], [], equal))
    assert verdict(table, "int8 against float, real scenes") is Verdict.PASS


def test_two_readings_in_a_thousand_pictures_without_a_plate_are_too_many() -> None:
    negative = Negative("windows", "0001", np.zeros((4, 4, 3), np.uint8), False)
    false = FalseReading(negative, Reading("京A12345", 30, "蓝", 1, "标准实体车牌", QUAD))
    negatives = NegativeRecords({"windows": 1000}, (false, false))
    table = criteria.rows(measurement([record()], [], negatives=negatives))
    assert verdict(table, "readings without a plate, of any confidence") is Verdict.FAIL
    (published,) = [row for row in table if row.name.strip() == "at confidence 80 or more"]
    assert published.value == "0.00 %"
