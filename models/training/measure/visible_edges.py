"""How far the labelled corners of real plates lie from the edges that one can see, beside those of our readings.

    python -m models.training.measure.visible_edges

On ``val`` plates with a blue ground the ground's own outline is fitted by four straight lines; plates where
that fails are left out. The outline lies a rim inside the plate's edge, so its size is left free: labels and readings
are compared with it grown or shrunk to suit them best. What is left is error of shape and place, in shares of the
plate's height. A reader that found the edges exactly would be measured, against the labels, to err by as much as they.
Rendered plates, whose labels are exact, say how much of it is the fit's own error.

Readings are also compared with the labels themselves, on all plates. On ``--split train`` that says how near the
networks come to labels that they have learnt from: a reader of other photos can hardly come nearer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from edge_lpr.config import ReaderSettings
from edge_lpr.geometry import Quad
from edge_lpr.vision.reader import PlateReader
from models.training import command
from models.training.arrays import Corners, Image
from models.training.data import datasets as data

WIDTH, HEIGHT, MARGIN = 440, 140, 50
"""Of the view in which the outline is looked for: a millimetre a pixel."""
LEAST_HEIGHT = 16.0
"""Of a plate in its photo, pixels: below, an edge is no better seen than a tenth of the height."""
LEAST_CHROMA, MOST_YELLOW = 14.0, 118.0
"""Of a ground that stands out by its colour: distance from grey, and b, in CIELAB as OpenCV scales it."""
FOUND, ON_LINE = 0.6, 0.6
"""Shares of the scans of an edge that have to meet it, and that have to lie on its line."""
RENDERED = ("blue",)
"""Kinds of rendered plates with such a ground."""

_OWN = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32) + MARGIN
_OUTWARDS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
_INSIDE = 14  # pixels within the edge where a scan starts: between the edge and the characters
_RUN = 8  # pixels without the ground's colour: no scratch, but the end

Line = NDArray[np.float64]


def outline(image: Image, about: Corners) -> Corners | None:
    """The corners (4, 2) of the coloured ground of the plate near ``about`` (4, 2), pixels of ``image``; None where its
    edges cannot be told."""
    matrix = cv2.getPerspectiveTransform(about - np.float32(0.5), _OWN - np.float32(0.5))
    size = (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN)
    view = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    tint = _tint(np.asarray(view, np.uint8))
    if tint is None:
        return None
    first, last_y, last_x = MARGIN + _INSIDE, MARGIN + HEIGHT - 1 - _INSIDE, MARGIN + WIDTH - 1 - _INSIDE
    xs, ys = np.arange(MARGIN + 20, MARGIN + WIDTH - 20, 4), np.arange(first, last_y, 2)
    lines = [
        _line(xs, np.array([first - _end(tint[first::-1, x]) for x in xs])),
        _line(ys, np.array([last_x + _end(tint[y, last_x:]) for y in ys])),
        _line(xs, np.array([last_y + _end(tint[last_y:, x]) for x in xs])),
        _line(ys, np.array([first - _end(tint[y, first::-1]) for y in ys])),
    ]
    top, right, bottom, left = lines
    if top is None or right is None or bottom is None or left is None:
        return None
    crossings = [_cross(top, left), _cross(top, right), _cross(bottom, right), _cross(bottom, left)]
    found = cv2.perspectiveTransform(np.array([crossings], np.float32), np.linalg.inv(matrix))[0] + np.float32(0.5)
    return np.asarray(found, np.float32)


def error(corners: Corners, edges: Corners) -> float:
    """Mean distance of ``corners`` from ``edges`` (4, 2 each) as a share of the height, the size of ``edges`` free."""
    matrix = cv2.getPerspectiveTransform(edges, _OWN)
    flat = cv2.perspectiveTransform(corners[None].astype(np.float32), matrix)[0]
    grown = (_OWN + _OUTWARDS * np.float32(amount) for amount in np.arange(-12, 30, 0.25))
    return float(min(np.linalg.norm(flat - edge, axis=1).mean() for edge in grown) / HEIGHT)


def _tint(view: Image) -> NDArray[np.float32] | None:
    """How much of the ground's colour each pixel has: 1 on the ground, 0 on grey; None without a coloured ground."""
    chroma = cv2.cvtColor(view, cv2.COLOR_BGR2LAB).astype(np.float32)[..., 1:] - 128
    inner = chroma[MARGIN + 10 : MARGIN + HEIGHT - 10, MARGIN + 10 : MARGIN + WIDTH - 10].reshape(-1, 2)
    ground = np.median(inner[inner[:, 1] <= np.median(inner[:, 1])], axis=0)  # the bluer half is no character
    strength = float(np.linalg.norm(ground))
    if strength < LEAST_CHROMA or ground[1] + 128 > MOST_YELLOW:
        return None
    return np.asarray(cv2.GaussianBlur(chroma @ ground / strength**2, (0, 0), 1.0), np.float32)


def _end(scan: NDArray[np.float32]) -> float:
    """Pixels along ``scan``, which starts on the ground, until the ground ends; NaN where that is not to be seen."""
    off = scan < 0.5
    for place in range(1, len(scan) - _RUN):
        if off[place] and off[place : place + _RUN].mean() > 0.85:
            before, after = float(scan[place - 1]), float(scan[place])
            return place - 1 + (before - 0.5) / (before - after) if before > after else float("nan")
    return float("nan")


def _line(along: NDArray[np.int64], ends: NDArray[np.float64]) -> Line | None:
    """(a, b) of ends = a + b * along, outliers left out; None where too few of ``ends`` lie on a line."""
    seen = ~np.isnan(ends)
    if seen.mean() < FOUND:
        return None
    x, y = along[seen].astype(float), ends[seen]
    weights = np.ones(len(x))
    for _ in range(12):
        slope, start = np.polyfit(x, y, 1, w=np.sqrt(weights))
        off = np.abs(y - start - slope * x)
        weights = 1 / (1 + (off / max(float(np.median(off)) * 1.5, 0.5)) ** 2)
    return np.array([start, slope]) if float((off < 2.5).mean()) >= ON_LINE else None


def _cross(level: Line, upright: Line) -> tuple[float, float]:
    """x and y where ``level`` (y over x) and ``upright`` (x over y) meet."""
    y = (level[0] + level[1] * upright[0]) / (1 - level[1] * upright[1])
    return float(upright[0] + upright[1] * y), float(y)


@dataclass(frozen=True, slots=True)
class Offsets:
    """Of one plate that is read right, shares of its height: how far its reading lies from its label, and, where the
    edges can be told, label and reading from them."""

    apart: float
    label: float | None = None
    reading: float | None = None


def measure(scene: data.Scene, reader: PlateReader) -> list[Offsets]:
    """The plates of ``scene`` that are read right and are large enough to show their edges."""
    image = scene.load()
    quads = {reading.number: reading.quad for reading in reader.read(image)}
    found: list[Offsets] = []
    for plate in scene.plates:
        own = quads.get(plate.number or "")
        if own is None or plate.rows != 1 or own.height < LEAST_HEIGHT:
            continue
        read, label = own.to_array(), plate.quad
        apart = float(np.linalg.norm(read - label, axis=1).mean() / Quad.from_array(label).height)
        edges = outline(image, read)
        found.append(Offsets(apart) if edges is None else Offsets(apart, error(label, edges), error(read, edges)))
    return found


def _mean(offsets: Iterable[float | None]) -> str:
    known = [offset for offset in offsets if offset is not None]
    return f"{100 * np.mean(known):.2f} %" if known else ""


def main() -> int:
    """Measure and print; 0, or the exit code of what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="folder of the models (default: the shipped ones)")
    parser.add_argument("--rendered", type=Path, default=Path("cache/rendered"), help="the test set that bars made")
    parser.add_argument("--split", choices=("val", "train"), default="val", help="of the real photos")
    arguments = parser.parse_args()
    reader = PlateReader.open(ReaderSettings(threads=1, models_dir=arguments.models))
    rendered: Path = arguments.rendered
    console = Console()
    table = Table("set", "read right", "to labels", "with edges", "to labels", "labels to edges", "readings to edges")

    def add(name: str, found: list[Offsets]) -> None:
        seen = [one for one in found if one.label is not None]
        apart, apart_seen = _mean(one.apart for one in found), _mean(one.apart for one in seen)
        label, reading = _mean(one.label for one in seen), _mean(one.reading for one in seen)
        table.add_row(name, str(len(found)), apart, str(len(seen)), apart_seen, label, reading)

    def measured(name: str, scenes: list[data.Scene]) -> list[Offsets]:
        progress = track(scenes, name, console=console, transient=True)
        return [one for scene in progress for one in measure(scene, reader)]

    real: list[Offsets] = []
    for name in data.SCENE_SETS:
        found = measured(name, data.scenes(arguments.split, sets=(name,)))
        add(name, found)
        real += found
    add("all real", real)
    if (rendered / "scenes").is_dir():
        add("rendered, exact labels", measured("rendered", data.scenes("val", rendered, RENDERED)))
    console.print(table)
    return 0


if __name__ == "__main__":
    command.run(main)
