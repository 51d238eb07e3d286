"""What the shipped runtime makes of every test picture: the records that the bars and the report are computed from.

Real photos are the ``val`` splits of the development data; rendered ones are those of
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


@dataclass(frozen=True, slots=True)
class Labels:
    """What a plate's label says, None where it says nothing. ``condition`` and ``category`` are of rendered plates."""

    number: str | None
    color: str | None
    rows: int
    quad: Quad | None
    category: str | None
    condition: str | None


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, and where."""

    number: str
    confidence: int
    color: str
    rows: int
    category: str
    quad: Quad


@dataclass(frozen=True, slots=True)
class Seen:
    """One labelled plate and what became of it.

    ``dataset`` is "scenes/toll", "crops/blue" and the like. ``found`` is the detector's own quad of the plate, before
    the recognizer looked at it. ``width`` is the plate's in the picture, ``frame_width`` what it would be with the
    picture scaled to fit a frame of 1280 x 720; pixels.
    """

    dataset: str
    rendered: bool
    path: Path
    truth: Labels
    read: Read | None
    found: Quad | None
    width: float
    frame_width: float

    @property
    def exact(self) -> bool:
        """Whether the whole number was read right."""
        return self.read is not None and self.read.number == self.truth.number

    @property
    def scene(self) -> bool:
        """Whether the plate was looked for in a photo, and not given as a crop."""
        return self.dataset.startswith("scenes/")


@dataclass(frozen=True, slots=True, eq=False)
class FalseRead:
    """A reading where no plate is."""

    negative: Negative
    read: Read


@dataclass(frozen=True, slots=True)
class Quiet:
    """What was read in pictures without plates: how many pictures there were of each source, and the readings."""

    pictures: dict[str, int]
    false_reads: tuple[FalseRead, ...]


def see(
    root: Path, rendered: bool, reader: PlateReader, detector: Detector, console: Console, each: int | None = None
) -> list[Seen]:
    """Read every validation picture below ``root``; of each set only the first ``each``, if given."""
    pictures = [picture for layout in LAYOUTS for picture in _pictures(root, layout, each)]
    what = "rendered plates" if rendered else "real plates"
    found: list[Seen] = []
    for dataset, path, entry in track(pictures, what, console=console, transient=True):
        found += _see(dataset, path, entry, rendered, reader, detector)
    return found


def see_negatives(negatives: Iterator[Negative], total: int, reader: PlateReader, console: Console) -> Quiet:
    """Read ``negatives``, ``total`` of them."""
    counts: dict[str, int] = {}
    false_reads: list[FalseRead] = []
    for negative in track(negatives, "pictures without plates", total, console=console, transient=True):
        counts[negative.source] = counts.get(negative.source, 0) + 1
        if negative.crop:
            one = reader.read_crop(negative.image)
            readings = [] if one is None else [one]
        else:
            readings = reader.read(negative.image)
        false_reads += [FalseRead(negative, _read(reading)) for reading in readings]
    return Quiet(counts, tuple(false_reads))


def _pictures(root: Path, layout: str, each: int | None) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    for labels in sorted((root / layout).glob("*.json")):
        entries = json.loads(labels.read_text("utf-8"))
        chosen = [(name, entry) for name, entry in sorted(entries.items()) if _split(entry) == "val"]
        for name, entry in chosen[:each]:
            yield f"{layout}/{labels.stem}", labels.with_suffix("") / name, entry


def _split(entry: dict[str, Any]) -> str | None:
    labels = entry.get("plates", [entry])
    return labels[0]["split"] if labels else None


def _see(
    dataset: str, path: Path, entry: dict[str, Any], rendered: bool, reader: PlateReader, detector: Detector
) -> Iterator[Seen]:
    image = load_image(path)
    height, width = image.shape[:2]
    if "plates" not in entry:
        yield Seen(dataset, rendered, path, _labels(entry), _read_or_none(reader.read_crop(image)), None, width, width)
        return
    plates = [_labels(label) for label in entry["plates"]]
    detections = detector.detect(image)
    readings = match([TruePlate(p.number, p.color, p.quad) for p in plates], reader.read(image))
    scale = min(FRAME_WIDTH / width, FRAME_HEIGHT / height)
    for plate, reading in zip(plates, readings, strict=True):
        assert plate.quad is not None
        found, size = _nearest(plate.quad, detections), plate.quad.width
        yield Seen(dataset, rendered, path, plate, _read_or_none(reading), found, size, size * scale)


def _nearest(quad: Quad, detections: Sequence[Detection]) -> Quad | None:
    """The detection that overlaps ``quad`` most, if it is the same plate at all."""
    best = max(detections, key=lambda found: quad_iou(found.quad, quad), default=None)
    return best.quad if best is not None and quad_iou(best.quad, quad) >= MATCH_IOU else None


def _labels(label: dict[str, Any]) -> Labels:
    quad = Quad.from_array(np.array(label["quad"])) if "quad" in label else None
    return Labels(label["number"], label["color"], label["rows"], quad, label.get("category"), label.get("condition"))


def _read_or_none(reading: PlateReading | None) -> Read | None:
    return None if reading is None else _read(reading)


def _read(reading: PlateReading) -> Read:
    return Read(
        reading.number, reading.confidence, str(reading.color), reading.rows, str(reading.category), reading.quad
    )
