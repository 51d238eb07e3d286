"""Records of what the shipped runtime reads in every test picture. The criteria and the report are computed from them.

Real photos are the ``val`` splits of the development data. Rendered ones are those of
``models.training.test_sets.rendered_set``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from edge_lpr.evaluation.accuracy import MATCH_IOU, match, quad_iou
from edge_lpr.evaluation.truth import TruePlate
from edge_lpr.geometry import Quad
from edge_lpr.images import load_image
from edge_lpr.readings import PlateReading
from edge_lpr.vision.detector import Detection, Detector
from edge_lpr.vision.reader import PlateReader
from models.training.test_sets.negatives import Negative

LAYOUTS = ("scenes", "crops")
FRAME_WIDTH, FRAME_HEIGHT = 1280, 720
"""The camera frame that plate widths refer to, pixels."""


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a plate, None where they are unknown. Only rendered plates have ``category`` and ``condition``."""

    number: str | None
    color: str | None
    rows: int
    quad: Quad | None
    category: str | None
    condition: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of one plate; ``confidence`` is 0-100."""

    number: str
    confidence: int
    color: str
    rows: int
    category: str
    quad: Quad


@dataclass(frozen=True, slots=True)
class PlateRecord:
    """One labelled plate with its reading.

    ``dataset`` is "scenes/toll", "crops/blue" and the like. ``detected`` is the detector's own quad of the plate,
    before the recognizer refines its corners. ``width`` is the plate's in the picture, ``frame_width`` the width that
    it would have in the picture scaled to fit a frame of 1280 x 720; pixels.
    """

    dataset: str
    rendered: bool
    path: Path
    truth: Labels
    reading: Reading | None
    detected: Quad | None
    width: float
    frame_width: float

    @property
    def exact(self) -> bool:
        """Whether the whole number is right."""
        return self.reading is not None and self.reading.number == self.truth.number

    @property
    def scene(self) -> bool:
        """Whether the plate is in a photo, and not given as a crop."""
        return self.dataset.startswith("scenes/")


@dataclass(frozen=True, slots=True, eq=False)
class FalseReading:
    """A reading in a picture without a plate."""

    negative: Negative
    reading: Reading


@dataclass(frozen=True, slots=True)
class NegativeRecords:
    """How many pictures without a plate there are of each source, and the readings in them."""

    pictures: dict[str, int]
    false_readings: tuple[FalseReading, ...]


def read_plates(
    root: Path, rendered: bool, reader: PlateReader, detector: Detector, console: Console, each: int | None = None
) -> list[PlateRecord]:
    """Reads every validation picture below ``root``; of each set only the first ``each``, if given."""
    pictures = [picture for layout in LAYOUTS for picture in _pictures(root, layout, each)]
    title = "rendered plates" if rendered else "real plates"
    records: list[PlateRecord] = []
    for dataset, path, entry in track(pictures, title, console=console, transient=True):
        records += _read_picture(dataset, path, entry, rendered, reader, detector)
    return records


def read_negatives(negatives: Iterator[Negative], total: int, reader: PlateReader, console: Console) -> NegativeRecords:
    """Reads ``negatives``, ``total`` of them."""
    counts: dict[str, int] = {}
    false_readings: list[FalseReading] = []
    for negative in track(negatives, "pictures without plates", total, console=console, transient=True):
        counts[negative.source] = counts.get(negative.source, 0) + 1
        if negative.crop:
            one = reader.read_crop(negative.image)
            readings = [] if one is None else [one]
        else:
            readings = reader.read(negative.image)
        false_readings += [FalseReading(negative, _reading(reading)) for reading in readings]
    return NegativeRecords(counts, tuple(false_readings))


def _pictures(root: Path, layout: str, each: int | None) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Yields data set, path and labels of the validation pictures of ``layout``."""
    for labels in sorted((root / layout).glob("*.json")):
        entries = json.loads(labels.read_text("utf-8"))
        chosen = [(name, entry) for name, entry in sorted(entries.items()) if _split(entry) == "val"]
        for name, entry in chosen[:each]:
            yield f"{layout}/{labels.stem}", labels.with_suffix("") / name, entry


def _split(entry: dict[str, Any]) -> str | None:
    labels = entry.get("plates", [entry])
    return labels[0]["split"] if labels else None


def _read_picture(
    dataset: str, path: Path, entry: dict[str, Any], rendered: bool, reader: PlateReader, detector: Detector
) -> Iterator[PlateRecord]:
    image = load_image(path)
    height, width = image.shape[:2]
    if "plates" not in entry:
        reading = _reading_or_none(reader.read_crop(image))
        yield PlateRecord(dataset, rendered, path, _labels(entry), reading, None, width, width)
        return
    plates = [_labels(label) for label in entry["plates"]]
    detections = detector.detect(image)
    readings = match([TruePlate(p.number, p.color, p.quad) for p in plates], reader.read(image))
    scale = min(FRAME_WIDTH / width, FRAME_HEIGHT / height)
    for plate, found in zip(plates, readings, strict=True):
        assert plate.quad is not None
        detected, size = _nearest(plate.quad, detections), plate.quad.width
        yield PlateRecord(dataset, rendered, path, plate, _reading_or_none(found), detected, size, size * scale)


def _nearest(quad: Quad, detections: Sequence[Detection]) -> Quad | None:
    """Returns the detection that overlaps ``quad`` most, or None if that is another plate."""
    best = max(detections, key=lambda found: quad_iou(found.quad, quad), default=None)
    return best.quad if best is not None and quad_iou(best.quad, quad) >= MATCH_IOU else None


def _labels(label: dict[str, Any]) -> Labels:
    quad = Quad.from_array(np.array(label["quad"])) if "quad" in label else None
    return Labels(label["number"], label["color"], label["rows"], quad, label.get("category"), label.get("condition"))


def _reading_or_none(reading: PlateReading | None) -> Reading | None:
    return None if reading is None else _reading(reading)


def _reading(reading: PlateReading) -> Reading:
    return Reading(
        reading.number, reading.confidence, str(reading.color), reading.rows, str(reading.category), reading.quad
    )
