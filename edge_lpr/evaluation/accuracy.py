"""Accuracy on labelled photos: compares every plate with its label, and counts by set, kind, colour and province."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_lpr.evaluation.contact_sheet import Tile, write_contact_sheet
from edge_lpr.evaluation.truth import TruePhoto, TruePlate, load_truth
from edge_lpr.geometry import Quad
from edge_lpr.images import load_image
from edge_lpr.plates import PROVINCES, matching_kinds
from edge_lpr.readings import PlateReading
from edge_lpr.vision.reader import PlateReader
from edge_lpr.vision.straighten import full_image_quad, straighten

MATCH_IOU = 0.3
"""Smallest intersection over union at which a reading belongs to a labelled plate."""

CONFIDENT = 90
"""A wrong number with this confidence or more is counted separately: it is the worst fault at a gate."""


@dataclass(frozen=True, slots=True)
class EvaluationOutcome:
    """One labelled plate and its reading; ``read`` is None if no reading belongs to the plate."""

    dataset: str
    path: str
    number: str | None
    color: str | None
    quad: tuple[tuple[float, float], ...] | None
    read: str | None
    read_color: str | None
    confidence: int | None

    @property
    def exact(self) -> bool:
        """Whether the whole number was read correctly."""
        return self.number is not None and self.read == self.number


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts for a group of plates.

    ``plates`` counts the plates with a trusted number, ``colored`` those of them that were read and whose colour is
    labelled, ``undetected`` those without a reading. ``wrong_confident`` counts wrong readings from ``CONFIDENT`` up.
    """

    name: str
    plates: int
    exact: int
    colored: int
    color_right: int
    wrong_province: int
    wrong_confident: int
    undetected: int

    @property
    def exact_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval for the share of exact readings, 0.0-1.0."""
        return wilson_interval(self.exact, self.plates)


@dataclass(frozen=True, slots=True)
class EvaluationResult:
    """The outcomes of one evaluation.

    ``extra_readings`` counts the readings that belong to no labelled plate, in photos whose plates have quads.
    """

    split: str
    photos: int
    outcomes: tuple[EvaluationOutcome, ...]
    extra_readings: int

    def tallies(self) -> dict[str, list[Tally]]:
        """Returns the tables: scenes and crops as a whole, and by set, colour, kind and province."""
        return {
            "together": self._by(lambda outcome: outcome.dataset.partition("/")[0]),
            "set": self._by(lambda outcome: outcome.dataset),
            "colour": self._by(lambda outcome: outcome.color or "unknown"),
            "kind": self._by(_kind_name),
            "province": self._by(lambda outcome: next((c for c in outcome.number or "" if c in PROVINCES), "none")),
        }

    def misses(self) -> list[EvaluationOutcome]:
        """Returns the plates with a trusted number that were not read exactly."""
        return [outcome for outcome in self.outcomes if outcome.number is not None and not outcome.exact]

    def to_json(self) -> dict[str, Any]:
        """Returns the tables and the misses in a form for ``json.dumps``."""
        tables = {
            title: [asdict(tally) | {"exact_interval": tally.exact_interval} for tally in tallies]
            for title, tallies in self.tallies().items()
        }
        return {
            "split": self.split,
            "photos": self.photos,
            "extra_readings": self.extra_readings,
            "tables": tables,
            "misses": [asdict(outcome) for outcome in self.misses()],
        }

    def _by(self, key: Callable[[EvaluationOutcome], str]) -> list[Tally]:
        groups: dict[str, list[EvaluationOutcome]] = {}
        for outcome in self.outcomes:
            groups.setdefault(key(outcome), []).append(outcome)
        tallies = [_tally(name, outcomes) for name, outcomes in sorted(groups.items())]
        return [tally for tally in tallies if tally.plates or tally.colored]


def evaluate_photos(
    paths: Sequence[Path], reader: PlateReader, split: str, misses: Path | None, console: Console
) -> EvaluationResult:
    """Reads every labelled photo in ``paths`` (see ``edge_lpr.evaluation.truth``) with a progress bar on ``console``.

    If ``misses`` is given, the misses are written there as a contact sheet. Raises InputError for paths without labels
    and ImageError for a photo that cannot be read.
    """
    photos = load_truth(paths, split)
    outcomes: list[EvaluationOutcome] = []
    extra = 0
    for photo in track(photos, description="reading", console=console, transient=True):
        found, unmatched = _evaluate_photo(photo, reader)
        outcomes += found
        extra += unmatched
    result = EvaluationResult(split, len(photos), tuple(outcomes), extra)
    if misses is not None:
        write_contact_sheet(misses, [_tile(outcome) for outcome in result.misses()])
    return result


def print_result(result: EvaluationResult, console: Console) -> None:
    """Prints the tables and the list of misses."""
    for title, tallies in result.tallies().items():
        console.print(_table(title, tallies))
    if result.extra_readings:
        console.print(f"readings where no plate is labelled: {result.extra_readings}")
    for outcome in result.misses():
        confidence = "" if outcome.confidence is None else f" ({outcome.confidence})"
        console.print(
            f"miss  {outcome.number} read as {outcome.read or 'nothing'}{confidence}  {outcome.path}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def wilson_interval(hits: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Returns Wilson's score interval for a share, 0.0-1.0; (0.0, 1.0) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share = hits / trials
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    denominator = 1 + z * z / trials
    center = share + z * z / (2 * trials)
    return max(0.0, (center - spread) / denominator), min(1.0, (center + spread) / denominator)


def quad_iou(a: Quad, b: Quad) -> float:
    """Returns the intersection over union of two convex quads, 0.0-1.0."""
    first, second = a.to_array(), b.to_array()
    intersection = float(cv2.intersectConvexConvex(first, second)[0])
    union = float(cv2.contourArea(first)) + float(cv2.contourArea(second)) - intersection
    return intersection / union if union > 0 else 0.0


def _evaluate_photo(photo: TruePhoto, reader: PlateReader) -> tuple[list[EvaluationOutcome], int]:
    """Returns the outcome of each labelled plate, and the number of readings that belong to no plate."""
    image = load_image(photo.path)
    if photo.crop:
        reading = reader.read_crop(image)
        return [_outcome(photo, photo.plates[0], reading)], 0
    readings = reader.read(image)
    matched = match(photo.plates, readings)
    located = all(plate.quad is not None for plate in photo.plates)
    unmatched = len(readings) - sum(reading is not None for reading in matched) if located else 0
    return [_outcome(photo, plate, reading) for plate, reading in zip(photo.plates, matched, strict=True)], unmatched


def match(plates: Sequence[TruePlate], readings: Sequence[PlateReading]) -> list[PlateReading | None]:
    """Returns the reading that belongs to each plate: by overlap of quads, greatest first, each reading once.

    A plate without a quad gets the reading with its number, otherwise the first reading, which is the best.
    """
    matched: list[PlateReading | None] = [None] * len(plates)
    pairs = [
        (quad_iou(plate.quad, reading.quad), row, column)
        for row, plate in enumerate(plates)
        if plate.quad is not None
        for column, reading in enumerate(readings)
    ]
    used: set[int] = set()
    for iou, row, column in sorted(pairs, reverse=True):
        if iou >= MATCH_IOU and matched[row] is None and column not in used:
            matched[row] = readings[column]
            used.add(column)
    for row, plate in enumerate(plates):
        if plate.quad is None:
            exact = next((reading for reading in readings if reading.number == plate.number), None)
            matched[row] = exact or next(iter(readings), None)
    return matched


def _outcome(photo: TruePhoto, plate: TruePlate, reading: PlateReading | None) -> EvaluationOutcome:
    quad = plate.quad or (reading.quad if reading is not None and not photo.crop else None)
    return EvaluationOutcome(
        dataset=photo.dataset,
        path=str(photo.path),
        number=plate.number,
        color=plate.color,
        quad=None if quad is None else (quad.top_left, quad.top_right, quad.bottom_right, quad.bottom_left),
        read=None if reading is None else reading.number,
        read_color=None if reading is None else str(reading.color),
        confidence=None if reading is None else reading.confidence,
    )


def _tally(name: str, outcomes: Iterable[EvaluationOutcome]) -> Tally:
    trusted = [outcome for outcome in outcomes if outcome.number is not None]
    wrong = [outcome for outcome in trusted if outcome.read is not None and not outcome.exact]
    colored = [outcome for outcome in trusted if outcome.color is not None and outcome.read is not None]
    return Tally(
        name=name,
        plates=len(trusted),
        exact=sum(outcome.exact for outcome in trusted),
        colored=len(colored),
        color_right=sum(outcome.color == outcome.read_color for outcome in colored),
        wrong_province=sum(_province_differs(outcome) for outcome in wrong),
        wrong_confident=sum((outcome.confidence or 0) >= CONFIDENT for outcome in wrong),
        undetected=sum(outcome.read is None for outcome in trusted),
    )


def _province_differs(outcome: EvaluationOutcome) -> bool:
    return (outcome.number or "")[:1] != (outcome.read or "")[:1]


def _kind_name(outcome: EvaluationOutcome) -> str:
    kinds = matching_kinds(outcome.number or "")
    fitting = [kind for kind in kinds if outcome.color is None or outcome.color in kind.colors]
    return fitting[0].name if fitting else "none"


def _table(title: str, tallies: Sequence[Tally]) -> Table:
    table = Table(title=f"by {title}" if title != "together" else None)
    for heading in (title if title != "together" else "", "plates", "exact", "%", "95 % interval", "colour %"):
        table.add_column(heading, justify="left" if heading == title or not heading else "right")
    for heading in ("wrong province", f"wrong at {CONFIDENT}+", "not found"):
        table.add_column(heading, justify="right")
    for tally in tallies:
        low, high = tally.exact_interval
        table.add_row(
            tally.name,
            str(tally.plates),
            str(tally.exact),
            _percent(tally.exact, tally.plates),
            f"{100 * low:.1f}-{100 * high:.1f}" if tally.plates else "",
            _percent(tally.color_right, tally.colored),
            str(tally.wrong_province),
            str(tally.wrong_confident),
            str(tally.undetected),
        )
    return table


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""


def _tile(outcome: EvaluationOutcome) -> Tile:
    image = load_image(Path(outcome.path))
    quad = full_image_quad(image) if outcome.quad is None else Quad.from_array(np.array(outcome.quad))
    high = max(16, round(Tile.WIDTH * min(1.0, quad.height / max(1.0, quad.width))))
    # A plate in a scene is shown with a margin, a crop without.
    picture = straighten(image, quad, Tile.WIDTH, high, (0.0, 0.0) if outcome.quad is None else (0.15, 0.15))
    confidence = "" if outcome.confidence is None else f" {outcome.confidence}"
    return Tile(picture, f"{outcome.number}", f"{outcome.read or '-'}{confidence}", Path(outcome.path).name)
