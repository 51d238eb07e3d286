"""The acceptance criteria: each as a row of a table with the limit, the measured value and the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from edge_lpr.plates import Color
from models.training.measure import composed, statistics
from models.training.measure.composed import ComposedRecord
from models.training.measure.measurement import Measurement
from models.training.measure.records import PlateRecord
from models.training.measure.statistics import Share
from models.training.test_sets.composed import FRAMES, FULL, TOUCHING, WIDTHS

SMALLEST_JUDGED_SET = 30
"""Plates that a data set needs to have a criterion of its own."""
KIND_LIMIT = 98.0
"""Least share of exact readings of each kind of rendered plate, percent."""
PUBLISHED = 80
"""The default of ``reader.min_confidence``: readings that a gate publishes."""
MEGA = 1e6
PEERS = {"hyperlpr2": 6.0, "agentclpr": 10.0, "rapidocr-onnxruntime": 40.0}
"""How many times faster than each peer the reader must be."""


class Verdict(StrEnum):
    """The verdict of a row. A NOTE has no limit; the value of a NOT_MEASURED row could not be measured here."""

    PASS = "pass"
    FAIL = "FAIL"
    NOTE = ""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; ``detail`` has the interval, the counts or what the value was measured on."""

    name: str
    limit: str
    value: str
    verdict: Verdict
    detail: str = ""


def rows(measurement: Measurement) -> list[Row]:
    """Returns the table, in the order of the criteria."""
    parts = (_scenes, _crops, _rendered, _colors, _confidence, _negatives, _composed, _detector, _int8, _cost)
    return [row for part in parts for row in part(measurement)]


def summary(table: list[Row]) -> str:
    """Returns how many criteria are passed, failed and not measured."""
    counts = {verdict: sum(row.verdict is verdict for row in table) for verdict in Verdict}
    passed, failed, missing = (counts[one] for one in (Verdict.PASS, Verdict.FAIL, Verdict.NOT_MEASURED))
    return f"{passed} criteria passed, {failed} failed, {missing} not measured"


def at_least(name: str, share: Share, limit: float, detail: str = "") -> Row:
    """Returns the row of a share that must be ``limit`` percent or more."""
    return _share_row(name, share, f">= {limit:g} %", share.percent >= limit, detail)


def at_most(name: str, share: Share, limit: float, detail: str = "") -> Row:
    """Returns the row of a share that must be ``limit`` percent or less."""
    return _share_row(name, share, f"<= {limit:g} %", share.percent <= limit, detail)


def _share_row(name: str, share: Share, limit: str, passed: bool, detail: str) -> Row:
    if not share.trials:
        return Row(name, limit, "", Verdict.NOT_MEASURED, detail or "no such plate in the pictures")
    shown = " ".join(part for part in (_interval(share), detail) if part)
    return Row(name, limit, f"{share.percent:.2f} %", _passed(passed), shown)


def _passed(passed: bool) -> Verdict:
    return Verdict.PASS if passed else Verdict.FAIL


def _at_most(value: float, most: float) -> Verdict:
    """Judges ``value``; NaN is a value without any measurement."""
    return Verdict.NOT_MEASURED if math.isnan(value) else _passed(value <= most)


def _interval(share: Share) -> str:
    low, high = share.interval
    return f"{share.hits} of {share.trials} ({low:.1f}-{high:.1f})"


def _note(name: str, share: Share) -> Row:
    return Row(name, "", f"{share.percent:.2f} %" if share.trials else "", Verdict.NOTE, _interval(share))


def _scenes(measurement: Measurement) -> Iterator[Row]:
    scenes = [record for record in measurement.real if record.scene]
    yield at_least("scenes, exact readings", statistics.exact(scenes), 98.5)
    for name, records in statistics.by_dataset(scenes).items():
        share = statistics.exact(records)
        if share.trials >= SMALLEST_JUDGED_SET:
            yield at_least(f"  {name}", share, 97.0)
        else:
            yield _note(f"  {name}", share)
    yield at_most("scenes, wrong province", statistics.wrong_province(scenes), 0.5)


def _crops(measurement: Measurement) -> Iterator[Row]:
    crops = [record for record in measurement.real if not record.scene]
    yield at_least("crops, exact readings", statistics.exact(crops), 98.5)
    for name, records in statistics.by_dataset(crops).items():
        yield _note(f"  {name}", statistics.exact(records))


def _rendered(measurement: Measurement) -> Iterator[Row]:
    scenes = [record for record in measurement.rendered if record.scene]
    crops = [record for record in measurement.rendered if not record.scene]
    yield _note("rendered scenes, exact readings", statistics.exact(scenes))
    for name, share in _worst_first(scenes, statistics.exact):
        yield at_least(f"  {name}", share, KIND_LIMIT)
    yield _note("rendered crops, exact readings", statistics.exact(crops))
    kinds = _worst_first(crops, statistics.exact)
    below = [f"{name.partition('/')[2]} {share.percent:.1f}" for name, share in kinds if share.percent < KIND_LIMIT]
    verdict = _passed(not below) if kinds else Verdict.NOT_MEASURED
    value = f"{len(kinds) - len(below)} of {len(kinds)}"
    yield Row("  kinds of crops", f"each >= {KIND_LIMIT:g} %", value, verdict, ", ".join(below))
    for condition in sorted({record.truth.condition or "" for record in scenes}):
        share = statistics.exact(record for record in scenes if record.truth.condition == condition)
        yield _note(f"rendered scenes, condition {condition}", share)
    for name, of in (("rows", statistics.rows_right), ("category", statistics.category_right)):
        yield at_least(f"rendered scenes, {name}", of(scenes), 99.0, _worst_three(scenes, of))


def _worst_first(records: list[PlateRecord], of: Callable[[list[PlateRecord]], Share]) -> list[tuple[str, Share]]:
    """Returns the data sets with their shares, lowest first; a set without any trial is last."""
    shares = [(name, of(group)) for name, group in statistics.by_dataset(records).items()]
    return sorted(shares, key=lambda pair: (pair[1].trials == 0, pair[1].percent))


def _worst_three(records: list[PlateRecord], of: Callable[[list[PlateRecord]], Share]) -> str:
    low = [(name, share) for name, share in _worst_first(records, of) if share.percent < 100][:3]
    return "worst: " + ", ".join(f"{name.partition('/')[2]} {share.percent:.1f}" for name, share in low) if low else ""


def _colors(measurement: Measurement) -> Iterator[Row]:
    real = [record for record in measurement.real if record.scene]
    yield at_least("scenes, colour", statistics.color_right(real), 99.0)
    scenes = [record for record in measurement.rendered if record.scene]
    for color in Color:
        share = statistics.color_right(record for record in scenes if record.truth.color == color)
        yield at_least(f"  rendered scenes, {color}", share, 98.0)


def _confidence(measurement: Measurement) -> Iterator[Row]:
    for name, records in _populations(measurement):
        yield at_most(f"wrong at confidence 90 or more, {name}", statistics.wrong_and_confident(records), 0.3)
    for name, records in _populations(measurement):
        error = statistics.calibration_error(records)
        detail = "the calibration was fitted on these" if name == "real photos" else ""
        yield Row(f"calibration error, {name}", "<= 2 points", f"{error:.2f}", _at_most(error, 2), detail)


def _populations(measurement: Measurement) -> Iterator[tuple[str, list[PlateRecord]]]:
    yield "real photos", measurement.real
    yield "rendered scenes", [record for record in measurement.rendered if record.scene]


def _negatives(measurement: Measurement) -> Iterator[Row]:
    negatives = measurement.negatives
    counts = {source: 0 for source in negatives.pictures}
    published = 0
    for false in negatives.false_readings:
        counts[false.negative.source] += 1
        published += false.reading.confidence >= PUBLISHED
    total = Share(sum(counts.values()), sum(negatives.pictures.values()))
    yield at_most("readings without a plate, of any confidence", total, 0.1)
    for source, pictures in negatives.pictures.items():
        trained = ", used in training" if source == "patches" else ""
        yield at_most(f"  {source}{trained}", Share(counts[source], pictures), 0.1)
    yield _note(f"  at confidence {PUBLISHED} or more", Share(published, total.trials))


def _composed(measurement: Measurement) -> Iterator[Row]:
    def of(frame: str | None, layouts: tuple[str, ...]) -> list[ComposedRecord]:
        cells = [one for one in measurement.composed if one.cell.layout in layouts]
        return [one for one in cells if frame in (None, one.cell.frame.name)]

    widths = tuple(map(str, WIDTHS))
    for frame in FRAMES:
        records = of(frame.name, widths)
        name = f"composed scenes, {frame.name}, plates of {WIDTHS[0]}-{WIDTHS[-1]} px"
        yield at_least(f"{name}, recall", composed.recall(records), 99.5)
        yield at_least(f"{name}, exact", composed.exact(records), 99.0)
    yield at_least("composed scenes, plates that fill the frame, exact", composed.exact(of(None, (FULL,))), 99.0)
    yield _note("composed scenes, two plates that touch, exact", composed.exact(of(None, TOUCHING)))
    extra = sum(record.extra for record in measurement.composed)
    yield Row("composed scenes, readings where no plate is", "", str(extra), Verdict.NOTE)


def _detector(measurement: Measurement) -> Iterator[Row]:
    rule = f"plates >= {statistics.NARROWEST_DETECTED:g} px with the photo fitted into 1280 x 720"
    for name, records in _populations(measurement):
        found = statistics.detected(records, statistics.detector_quad)
        yield at_least(f"detector recall at IoU 0.7, {name}", found, 99.5, rule)
        if name == "real photos":
            for dataset, group in statistics.by_dataset(record for record in records if record.scene).items():
                yield _note(f"  {dataset}", statistics.detected(group, statistics.detector_quad))
        reported = statistics.detected(records, statistics.reported_quad)
        yield _note("  by the quads of readings, unread plates missed", reported)
    for name, records in _populations(measurement):
        errors = statistics.corner_errors(records, statistics.reported_quad)
        own = statistics.corner_errors(records, statistics.detector_quad)
        detail = f"of height, median {errors.median:.1f} %; the detector alone: {own.mean:.1f} %, {own.median:.1f} %"
        verdict = _at_most(errors.mean, 3)
        yield Row(f"corner error of readings, {name}", "<= 3 %", f"{errors.mean:.2f} %", verdict, detail)
        if name == "real photos":
            for dataset, group in statistics.by_dataset(record for record in records if record.scene).items():
                one = statistics.corner_errors(group, statistics.reported_quad)
                detail = f"median {one.median:.1f} %, {one.plates} plates"
                yield Row(f"  {dataset}", "", f"{one.mean:.2f} %", Verdict.NOTE, detail)


def _int8(measurement: Measurement) -> Iterator[Row]:
    limit = "<= 0.3 points"
    comparison = measurement.float_comparison
    if comparison is None:
        detail = "torch is absent: run this in the environment of models/training/requirements.txt"
        yield Row("int8 against float", limit, "", Verdict.NOT_MEASURED, detail)
        return
    for rendered in (False, True):
        for scene in (True, False):
            int8, floating = (
                [record for record in part if (record.rendered, record.scene) == (rendered, scene)]
                for part in (comparison.int8, comparison.floating)
            )
            name = f"int8 against float, {'rendered' if rendered else 'real'} {'scenes' if scene else 'crops'}"
            if not statistics.with_number(int8):
                yield Row(name, limit, "", Verdict.NOT_MEASURED, "no such plate in the pictures")
                continue
            lost = statistics.exact(floating).percent - statistics.exact(int8).percent
            detail = f"int8 {_interval(statistics.exact(int8))}, float {_interval(statistics.exact(floating))}"
            yield Row(
                name, limit, f"{lost:+.2f} lost", _passed(lost <= 0.3), f"{detail}; {_worst_loss(int8, floating)}"
            )


def _worst_loss(int8: list[PlateRecord], floating: list[PlateRecord]) -> str:
    """Returns the set with the greatest loss. It has no limit: in one set 0.3 points are less than one plate."""
    ours, theirs = statistics.by_dataset(int8), statistics.by_dataset(floating)
    lost = {name: statistics.exact(theirs[name]).hits - statistics.exact(ours[name]).hits for name in ours}
    name = max(lost, key=lambda one: lost[one])
    return f"worst set: {name}, {lost[name]:+d} plates lost"


def _cost(measurement: Measurement) -> Iterator[Row]:
    costs = measurement.costs
    for name, macs, most in (
        ("detector", costs.detector_macs, 250),
        ("recognizer", costs.recognizer_macs, 80),
    ):
        passed = _passed(macs <= most * MEGA)
        yield Row(f"{name}, multiply-accumulates", f"<= {most} M", f"{macs / MEGA:.1f} M", passed, "one run")
    size = costs.file_bytes
    yield Row("both files", "<= 2 MB", f"{size / MEGA:.2f} MB", _passed(size <= 2 * MEGA))
    detail = f"median of all readings of {costs.frames} frames, of each frame's fastest {costs.best_ms:.1f}; "
    detail += f"one thread, {costs.runtime}; run it on a machine without other load"
    name = "one plate in a 1280 x 720 frame"
    yield Row(name, "<= 8 ms", f"{costs.frame_ms:.1f} ms", _passed(costs.frame_ms <= 8), detail)
    for peer, least in PEERS.items():
        name, limit = f"times faster than {peer}", f">= {least:g}"
        if measurement.peers is None or peer not in measurement.peers:
            yield Row(name, limit, "", Verdict.NOT_MEASURED, "run make peers-bench first")
        else:
            times = measurement.peers[peer]
            yield Row(name, limit, f"{times:.1f}", _passed(times >= least), "by make peers-bench")
