"""The bars: each as a row with what it asks, what was measured and the verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from edge_lpr.plates import Color
from models.training.measure import statistics as measures
from models.training.measure.measurement import Measured
from models.training.measure.records import Seen
from models.training.measure.statistics import Share

SMALLEST_JUDGED_SET = 30
KIND_BAR = 98.0
PUBLISHED = 80
"""The default of ``reader.min_confidence``: what a gate publishes."""
MEGA = 1e6
PEERS = {"hyperlpr2": 6.0, "agentclpr": 10.0, "rapidocr-onnxruntime": 40.0}
"""How many times faster the reader must be."""


class Verdict(StrEnum):
    """What a row says. ``NOTE`` has no bar; ``ABSENT`` has one that could not be measured here."""

    PASS = "pass"
    FAIL = "FAIL"
    NOTE = ""
    ABSENT = "not measured"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; ``detail`` has the interval, the counts or what it was measured on."""

    what: str
    bar: str
    value: str
    verdict: Verdict
    detail: str = ""


def rows(measured: Measured) -> list[Row]:
    """The table, in the order of the bars."""
    parts = (_scenes, _crops, _rendered, _colors, _confidence, _negatives, _detector, _int8, _cost)
    return [row for part in parts for row in part(measured)]


def at_least(what: str, share: Share, bar: float, detail: str = "") -> Row:
    """A share that must be ``bar`` percent or more."""
    return _share_row(what, share, f">= {bar:g} %", share.percent >= bar, detail)


def at_most(what: str, share: Share, bar: float, detail: str = "") -> Row:
    """A share that must be ``bar`` percent or less."""
    return _share_row(what, share, f"<= {bar:g} %", share.percent <= bar, detail)


def _share_row(what: str, share: Share, bar: str, passed: bool, detail: str) -> Row:
    if not share.trials:
        return Row(what, bar, "", Verdict.ABSENT, detail or "no plate of it in the pictures")
    shown = " ".join(part for part in (_interval(share), detail) if part)
    return Row(what, bar, f"{share.percent:.2f} %", Verdict.PASS if passed else Verdict.FAIL, shown)


def _verdict(value: float, most: float) -> Verdict:
    """NaN is what was measured on nothing."""
    return Verdict.ABSENT if math.isnan(value) else Verdict.PASS if value <= most else Verdict.FAIL


def _interval(share: Share) -> str:
    low, high = share.interval
    return f"{share.hits} of {share.trials} ({low:.1f}-{high:.1f})"


def _note(what: str, share: Share) -> Row:
    return Row(what, "", f"{share.percent:.2f} %" if share.trials else "", Verdict.NOTE, _interval(share))


def _scenes(measured: Measured) -> Iterator[Row]:
    scenes = [seen for seen in measured.real if seen.scene]
    yield at_least("scenes, whole number", measures.exact(scenes), 98.5)
    for name, items in measures.by_dataset(scenes).items():
        share = measures.exact(items)
        if share.trials >= SMALLEST_JUDGED_SET:
            yield at_least(f"  {name}", share, 97.0)
        else:
            yield _note(f"  {name}", share)
    yield at_most("scenes, wrong province", measures.wrong_province(scenes), 0.5)


def _crops(measured: Measured) -> Iterator[Row]:
    crops = [seen for seen in measured.real if not seen.scene]
    yield at_least("crops, whole number", measures.exact(crops), 98.5)
    for name, items in measures.by_dataset(crops).items():
        yield _note(f"  {name}", measures.exact(items))


def _rendered(measured: Measured) -> Iterator[Row]:
    scenes, crops = (_by_exactness(measured.rendered, scene) for scene in (True, False))
    yield _note("rendered scenes, whole number", measures.exact(seen for seen in measured.rendered if seen.scene))
    for name, share in scenes:
        yield at_least(f"  {name}", share, KIND_BAR)
    yield _note("rendered crops, whole number", measures.exact(seen for seen in measured.rendered if not seen.scene))
    below = [f"{name.partition('/')[2]} {share.percent:.1f}" for name, share in crops if share.percent < KIND_BAR]
    verdict = Verdict.FAIL if below else Verdict.PASS if crops else Verdict.ABSENT
    value = f"{len(crops) - len(below)} of {len(crops)}"
    yield Row("  kinds of crops", f"each >= {KIND_BAR:g} %", value, verdict, ", ".join(below))
    shown = [seen for seen in measured.rendered if seen.scene]
    for condition in sorted({seen.truth.condition or "" for seen in shown}):
        yield _note(f"scenes under {condition}", measures.exact(s for s in shown if s.truth.condition == condition))
    yield at_least("rendered scenes, rows", measures.rows_right(shown), 99.0, _worst(shown, measures.rows_right))
    worst = _worst(shown, measures.category_right)
    yield at_least("rendered scenes, category", measures.category_right(shown), 99.0, worst)


def _by_exactness(items: list[Seen], scene: bool) -> list[tuple[str, Share]]:
    """Worst set first."""
    groups = measures.by_dataset(seen for seen in items if seen.scene is scene)
    shares = [(name, measures.exact(group)) for name, group in groups.items()]
    return sorted(shares, key=lambda pair: pair[1].percent)


def _worst(items: list[Seen], of: Callable[[list[Seen]], Share]) -> str:
    shares = {name: of(group) for name, group in measures.by_dataset(items).items()}
    low = sorted((pair for pair in shares.items() if pair[1].percent < 100), key=lambda pair: pair[1].percent)[:3]
    return "worst: " + ", ".join(f"{name.partition('/')[2]} {share.percent:.1f}" for name, share in low) if low else ""


def _colors(measured: Measured) -> Iterator[Row]:
    yield at_least("scenes, colour", measures.color_right(seen for seen in measured.real if seen.scene), 99.0)
    scenes = [seen for seen in measured.rendered if seen.scene]
    for color in Color:
        share = measures.color_right(seen for seen in scenes if seen.truth.color == color)
        yield at_least(f"  rendered scenes, {color}", share, 98.0)


def _confidence(measured: Measured) -> Iterator[Row]:
    for what, items in _populations(measured):
        yield at_most(f"wrong at confidence 90 or more, {what}", measures.wrong_and_confident(items), 0.3)
    for what, items in _populations(measured):
        error = measures.calibration_error(items)
        verdict = _verdict(error, 2)
        detail = "the calibration was fitted on these" if what == "real photos" else ""
        yield Row(f"calibration error, {what}", "<= 2 points", f"{error:.2f}", verdict, detail)


def _populations(measured: Measured) -> Iterator[tuple[str, list[Seen]]]:
    yield "real photos", measured.real
    yield "rendered scenes", [seen for seen in measured.rendered if seen.scene]


def _negatives(measured: Measured) -> Iterator[Row]:
    quiet = measured.quiet
    counts = {source: 0 for source in quiet.pictures}
    published = 0
    for false in quiet.false_reads:
        counts[false.negative.source] += 1
        published += false.read.confidence >= PUBLISHED
    total = Share(sum(counts.values()), sum(quiet.pictures.values()))
    yield at_most("reads where no plate is, of any confidence", total, 0.1)
    for source, pictures in quiet.pictures.items():
        trained = ", which training saw" if source == "patches" else ""
        yield at_most(f"  {source}{trained}", Share(counts[source], pictures), 0.1)
    yield _note(f"  at confidence {PUBLISHED} or more", Share(published, total.trials))


def _detector(measured: Measured) -> Iterator[Row]:
    rule = f"plates >= {measures.NARROWEST_DETECTED:g} px with the photo fitted into 1280 x 720"
    for what, items in _populations(measured):
        found = measures.detected(items, measures.detector_quad)
        yield at_least(f"detector recall at IoU 0.7, {what}", found, 99.5, rule)
        if what == "real photos":
            for name, group in measures.by_dataset(seen for seen in items if seen.scene).items():
                yield _note(f"  {name}", measures.detected(group, measures.detector_quad))
        reported = measures.detected(items, measures.reported_quad)
        yield _note("  by the quads of readings, unread plates missed", reported)
    for what, items in _populations(measured):
        errors = measures.corner_errors(items, measures.reported_quad)
        own = measures.corner_errors(items, measures.detector_quad)
        verdict = _verdict(errors.mean, 3)
        detail = f"of height, median {errors.median:.1f} %; the detector alone: {own.mean:.1f} %, {own.median:.1f} %"
        yield Row(f"corner error of readings, {what}", "<= 3 %", f"{errors.mean:.2f} %", verdict, detail)
        if what == "real photos":
            for name, group in measures.by_dataset(seen for seen in items if seen.scene).items():
                one = measures.corner_errors(group, measures.reported_quad)
                detail = f"median {one.median:.1f} %, {one.plates} plates"
                yield Row(f"  {name}", "", f"{one.mean:.2f} %", Verdict.NOTE, detail)


def _int8(measured: Measured) -> Iterator[Row]:
    bar = "<= 0.3 points"
    if measured.twin is None:
        detail = "torch is absent: run this in the environment of models/training/requirements.txt"
        yield Row("int8 against float", bar, "", Verdict.ABSENT, detail)
        return
    for rendered in (False, True):
        for scene in (True, False):
            int8, floating = (
                [seen for seen in part if (seen.rendered, seen.scene) == (rendered, scene)]
                for part in (measured.twin.int8, measured.twin.floating)
            )
            what = f"int8 against float, {'rendered' if rendered else 'real'} {'scenes' if scene else 'crops'}"
            if not measures.trusted(int8):
                yield Row(what, bar, "", Verdict.ABSENT, "no plate of it in the pictures")
                continue
            lost = measures.exact(floating).percent - measures.exact(int8).percent
            detail = f"int8 {_interval(measures.exact(int8))}, float {_interval(measures.exact(floating))}"
            verdict = Verdict.PASS if lost <= 0.3 else Verdict.FAIL
            yield Row(what, bar, f"{lost:+.2f} lost", verdict, f"{detail}; {_worst_loss(int8, floating)}")


def _worst_loss(int8: list[Seen], floating: list[Seen]) -> str:
    """Single sets are too small to tell 0.3 points from chance, so the worst is named and not judged."""
    ours, theirs = measures.by_dataset(int8), measures.by_dataset(floating)
    lost = {name: measures.exact(theirs[name]).hits - measures.exact(ours[name]).hits for name in ours}
    name = max(lost, key=lambda one: lost[one])
    return f"worst set: {name}, {lost[name]:+d} plates lost"


def _cost(measured: Measured) -> Iterator[Row]:
    costs = measured.costs

    def row(what: str, bar: str, value: str, passed: bool, detail: str = "") -> Row:
        return Row(what, bar, value, Verdict.PASS if passed else Verdict.FAIL, detail)

    macs = costs.detector_macs
    yield row("detector, multiply-accumulates", "<= 250 M", f"{macs / MEGA:.1f} M", macs <= 250 * MEGA, "one run")
    macs = costs.recognizer_macs
    yield row("recognizer, multiply-accumulates", "<= 80 M", f"{macs / MEGA:.1f} M", macs <= 80 * MEGA, "one run")
    size = costs.file_bytes
    yield row("both files", "<= 2 MB", f"{size / MEGA:.2f} MB", size <= 2 * MEGA)
    detail = f"median of all readings of {costs.frames} frames, of each one's best {costs.best_ms:.1f}; one thread, "
    detail += f"{costs.runtime}; run it on a free machine"
    yield row("one plate in a 1280 x 720 frame", "<= 8 ms", f"{costs.frame_ms:.1f} ms", costs.frame_ms <= 8, detail)
    for peer, bar in PEERS.items():
        if measured.peers is None or peer not in measured.peers:
            yield Row(f"times faster than {peer}", f">= {bar:g}", "", Verdict.ABSENT, "run make peers-bench first")
        else:
            times = measured.peers[peer]
            yield row(f"times faster than {peer}", f">= {bar:g}", f"{times:.1f}", times >= bar, "by make peers-bench")


def summary(table_rows: list[Row]) -> str:
    """How many bars were passed, failed and not measured."""
    counts = {verdict: sum(row.verdict is verdict for row in table_rows) for verdict in Verdict}
    return f"{counts[Verdict.PASS]} bars passed, {counts[Verdict.FAIL]} failed, {counts[Verdict.ABSENT]} not measured"
