"""The acceptance criteria: records become rows with a verdict."""

from __future__ import annotations

import numpy as np

from models.training.measure import criteria
from models.training.measure.composed import ComposedRecord
from models.training.measure.criteria import Row, Verdict
from models.training.measure.measurement import FloatComparison
from models.training.measure.records import FalseReading, NegativeRecords, Reading
from models.training.test_sets.composed import FRAMES, FULL, WIDTHS, Cell, Frame
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


def composed_plate(layout: str, read: str | None, frame: Frame = FRAMES[3]) -> ComposedRecord:
    return ComposedRecord(Cell(frame, False, layout), "scene", "京A12345", read, 0)


def test_composed_scenes_are_judged_for_each_frame_size() -> None:
    records = [composed_plate(str(width), "京A12345") for width in WIDTHS * 30]
    records += [composed_plate(FULL, "京A12345"), composed_plate("beside", None)]
    table = criteria.rows(measurement([record()], [], composed=records))
    assert verdict(table, "composed scenes, 12 MP, plates of 60-400 px, recall") is Verdict.PASS
    assert verdict(table, "composed scenes, 1080p, plates of 60-400 px, recall") is Verdict.NOT_MEASURED
    assert verdict(table, "composed scenes, plates that fill the frame, exact") is Verdict.PASS
    assert verdict(table, "composed scenes, two plates that touch, exact") is Verdict.NOTE
    wrong = [composed_plate("60", "京A12346")] * 3
    table = criteria.rows(measurement([record()], [], composed=records + wrong))
    assert verdict(table, "composed scenes, 12 MP, plates of 60-400 px, recall") is Verdict.PASS
    assert verdict(table, "composed scenes, 12 MP, plates of 60-400 px, exact") is Verdict.FAIL
    missed = [composed_plate("60", None)] * 2
    table = criteria.rows(measurement([record()], [], composed=records + missed))
    assert verdict(table, "composed scenes, 12 MP, plates of 60-400 px, recall") is Verdict.FAIL
