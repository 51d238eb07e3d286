"""What was seen becomes numbers, and numbers verdicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_lpr.geometry import Quad
from models.training.measure import criteria as judging
from models.training.measure import statistics as measures
from models.training.measure.costs import Costs
from models.training.measure.criteria import Verdict
from models.training.measure.measurement import Measured, Twin
from models.training.measure.records import FalseRead, Labels, Quiet, Read, Seen
from models.training.test_sets.negatives import Negative

QUAD = Quad((100, 100), (200, 100), (200, 132), (100, 132))
CHEAP = Costs(200_000_000, 70_000_000, 800_000, 5.0, 4.5, 10, "a runtime")


def seen(
    true: str | None = "京A12345",
    read: str | None = "京A12345",
    confidence: int = 95,
    dataset: str = "scenes/toll",
    color: str = "蓝",
    read_color: str = "蓝",
    rows: int = 1,
    quad: Quad = QUAD,
    found: Quad | None = QUAD,
    rendered: bool = False,
) -> Seen:
    labels = Labels(true, color, 1, QUAD, "标准实体车牌" if rendered else None, "day" if rendered else None)
    reading = None if read is None else Read(read, confidence, read_color, rows, "标准实体车牌", quad)
    return Seen(dataset, rendered, Path("photo.jpg"), labels, reading, found, QUAD.width, 2 * QUAD.width)


def measured(real: list[Seen], rendered: list[Seen], twin: Twin | None = None, quiet: Quiet | None = None) -> Measured:
    return Measured(real, rendered, quiet or Quiet({"windows": 1000}, ()), CHEAP, twin, None)


def moved(quad: Quad, dx: float, dy: float) -> Quad:
    return Quad.from_array(quad.to_array() + np.array([dx, dy]))


def verdict(table: list[judging.Row], what: str) -> Verdict:
    """Of the first row of that name: sets come again further down, under the detector."""
    return next(row.verdict for row in table if row.what.strip() == what)


def test_what_was_not_read_counts_as_wrong_and_what_is_not_known_does_not_count() -> None:
    items = [seen(), seen(read=None), seen(read="京A12346"), seen(true=None, read="京A1")]
    assert measures.exact(items) == measures.Share(1, 3)
    assert measures.wrong_and_confident(items) == measures.Share(1, 2)


def test_a_wrong_province_is_counted_of_all_plates() -> None:
    items = [seen(), seen(read="津A12345"), seen(read="京A12346"), seen(read=None)]
    assert measures.wrong_province(items) == measures.Share(1, 4)


def test_colours_and_rows_are_judged_where_something_was_read() -> None:
    items = [seen(), seen(read_color="绿", rows=2), seen(read=None)]
    assert measures.color_right(items) == measures.Share(1, 2)
    assert measures.rows_right(items) == measures.Share(1, 2)


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    honest = [seen(confidence=80, read="京A12345" if i % 5 else "京A12346") for i in range(100)]
    assert measures.calibration_error(honest) == pytest.approx(0, abs=0.1)
    boasting = [seen(confidence=99, read="京A12346") for _ in range(20)]
    assert measures.calibration_error(boasting) == pytest.approx(99)


def test_corner_errors_are_shares_of_the_plates_height() -> None:
    items = [seen(quad=moved(QUAD, 3.2, 0), found=moved(QUAD, 0, 6.4))]
    assert measures.corner_errors(items, measures.reported_quad).mean == pytest.approx(10)
    assert measures.corner_errors(items, measures.detector_quad).mean == pytest.approx(20)
    assert measures.corner_errors([], measures.reported_quad).plates == 0


def test_a_plate_half_overlapped_is_not_detected() -> None:
    items = [seen(), seen(found=moved(QUAD, 50, 0)), seen(found=None)]
    assert measures.detected(items, measures.detector_quad) == measures.Share(1, 3)


def test_confusions_are_of_readings_as_long_as_the_number() -> None:
    items = [seen(read="京B12346"), seen(read="京B12345"), seen(read="京A1234"), seen()]
    assert measures.confusions(items) == {("A", "B"): 2, ("5", "6"): 1}


def test_small_sets_are_shown_and_not_judged() -> None:
    table = judging.rows(measured([seen(read=None)] * 10 + [seen(dataset="scenes/far")] * 2000, []))
    assert verdict(table, "scenes, whole number") is Verdict.PASS
    assert verdict(table, "scenes/toll") is Verdict.NOTE
    assert verdict(table, "scenes/far") is Verdict.PASS


def test_what_could_not_be_measured_is_not_passed() -> None:
    table = judging.rows(measured([seen()], [seen(rendered=True, dataset="scenes/blue")]))
    absent = ("int8 against float", "times faster than hyperlpr2", "rendered scenes, 其它", "kinds of crops")
    for what in absent:
        assert verdict(table, what) is Verdict.ABSENT, what
    assert "not measured" in judging.summary(table)
    table = judging.rows(measured([seen()], []))
    for what in ("calibration error, rendered scenes", "corner error of readings, rendered scenes"):
        assert verdict(table, what) is Verdict.ABSENT, what


def test_a_kind_below_its_bar_fails_and_a_crop_names_it() -> None:
    good = [seen(rendered=True, dataset="scenes/blue"), seen(rendered=True, dataset="crops/blue")]
    bad = [seen(rendered=True, read=None, dataset=f"{layout}/wj") for layout in ("scenes", "crops")]
    table = judging.rows(measured([seen()], good + bad))
    assert verdict(table, "scenes/blue") is Verdict.PASS
    assert verdict(table, "scenes/wj") is Verdict.FAIL
    (row,) = [row for row in table if row.what.strip() == "kinds of crops"]
    assert (row.verdict, row.value, row.detail) == (Verdict.FAIL, "1 of 2", "wj 0.0")


def test_int8_fails_where_it_loses_what_the_float_model_reads() -> None:
    twin = Twin([seen(), seen(read=None)], [seen(), seen()])
    table = judging.rows(measured([seen()], [], twin))
    assert verdict(table, "int8 against float, real scenes") is Verdict.FAIL
    assert verdict(table, "int8 against float, rendered crops") is Verdict.ABSENT
    even = Twin([seen()], [seen()])
    table = judging.rows(measured([seen()], [], even))
    assert verdict(table, "int8 against float, real scenes") is Verdict.PASS


def test_two_reads_in_a_thousand_pictures_without_plates_are_too_many() -> None:
    negative = Negative("windows", "0001", np.zeros((4, 4, 3), np.uint8), False)
    false = FalseRead(negative, Read("京A12345", 30, "蓝", 1, "标准实体车牌", QUAD))
    table = judging.rows(measured([seen()], [], quiet=Quiet({"windows": 1000}, (false, false))))
    assert verdict(table, "reads where no plate is, of any confidence") is Verdict.FAIL
    (published,) = [row for row in table if row.what.strip() == "at confidence 80 or more"]
    assert published.value == "0.00 %"
