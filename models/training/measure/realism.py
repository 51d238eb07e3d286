"""Measures how well a classifier tells real plates from rendered ones of the same kind.

    python -m models.training.measure.realism --each 120

For each kind, a logistic regression learns from simple features of colour, edges, detail and layout. It is judged on
plates that it has not learnt from, by the area under the ROC curve: the probability that a real plate gets a higher
score than a rendered one. 0.5 is chance. The nearer to it, the more the generator's plates are like real ones.

Real plates are those of ``real/kinds`` in the development data, and the ``val`` photos of blue and yellow plates.
They are compared here and never learnt by a network. Few real plates of a kind give a wide interval.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from models.training import command
from models.training.arrays import Corners, Image
from models.training.data import datasets
from models.training.synthesis import KINDS
from models.training.test_sets import rendered_set

SEED = 31_000
"""Of the rendered plates; apart from the seeds of pools, test set and calibration."""
LEAST_REAL = 4
"""Kinds with fewer real plates are left out."""
MOST_FOLDS = 5
SIZE = (160, 64)
"""Width and height of a compared crop, pixels."""
DETAIL = 96
"""Width in pixels that wider crops are reduced to first: the distance of the camera is no quality of the generator."""
MARGIN = 0.06
"""How much of the plate's box a crop shows beyond each edge: the setting counts too."""
PENALTY = 1.0
"""Of the squared weights, features being of unit variance."""
_KINDS = {"hk_macau": "hong_kong_macau", "wj": "wj_letter"}
"""Kinds of ``real/kinds`` that the generator calls otherwise."""
_SCENE_KINDS = {"蓝": "blue", "黄": "yellow"}

Features = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Separation:
    """How well real and rendered plates of a kind are told apart: the area under the ROC curve and its error."""

    area: float
    error: float
    real: int
    rendered: int


def features(crop: Image) -> Features:
    """Returns about 60 features of a BGR picture of any size, float64."""
    width = min(DETAIL, crop.shape[1])
    reduced = cv2.resize(
        crop, (width, max(8, round(crop.shape[0] * width / crop.shape[1]))), interpolation=cv2.INTER_AREA
    )
    small = cv2.resize(reduced, SIZE, interpolation=cv2.INTER_LINEAR)
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float64)
    light = lab[..., 0]
    colors = [*lab.mean((0, 1)), *lab.std((0, 1)), *np.percentile(light, (2, 10, 25, 50, 75, 90, 98))]
    across, down = np.gradient(light, axis=1), np.gradient(light, axis=0)
    strength = np.hypot(across, down)
    turned = np.arctan2(down, across) % np.pi
    edges, _ = np.histogram(turned, 8, (0, np.pi), weights=strength)
    waves = np.abs(cv2.dct(light - light.mean()))
    bands = [
        math.log(waves[2**i : 2 ** (i + 1), : 2**j].mean() + waves[: 2**i, 2**j : 2 ** (j + 1)].mean() + 1e-3)
        for i in range(1, 6)
        for j in (3, 6)
    ]
    grain = [math.log(cv2.Laplacian(light, cv2.CV_64F).var() + 1), *np.percentile(strength, (50, 90, 99))]
    layout = [*strength.reshape(8, 8, -1).mean((1, 2)), *strength.reshape(SIZE[1], 10, -1).mean((0, 2))]
    return np.array([*colors, *(edges / (edges.sum() + 1e-6)), *bands, *grain, *layout])


def separation(real: Features, rendered: Features) -> Separation:
    """Returns how well held-out plates are told apart; ``real`` is (n, f), ``rendered`` (m, f)."""
    folds = min(MOST_FOLDS, len(real))
    samples = np.concatenate([real, rendered])
    truth = np.concatenate([np.ones(len(real)), np.zeros(len(rendered))])
    fold = np.concatenate([np.arange(len(real)) % folds, np.arange(len(rendered)) % folds])
    areas = []
    for held in range(folds):
        learnt = fold != held
        scores = _scores(samples[learnt], truth[learnt], samples[~learnt])
        areas.append(_area(scores[truth[~learnt] == 1], scores[truth[~learnt] == 0]))
    area = float(np.mean(areas))
    return Separation(area, _area_error(area, len(real), len(rendered)), len(real), len(rendered))


def _scores(samples: Features, truth: Features, asked: Features) -> Features:
    """Fits a logistic regression, both classes with the same weight in all, and returns its logits for ``asked``."""
    mean, spread = samples.mean(0), samples.std(0) + 1e-6
    known = np.column_stack([(samples - mean) / spread, np.ones(len(samples))])
    weight = np.where(truth == 1, 0.5 / truth.sum(), 0.5 / (1 - truth).sum()) * len(truth)
    penalty = np.full(known.shape[1], PENALTY)
    penalty[-1] = 1e-6
    slopes = np.zeros(known.shape[1])
    for _ in range(30):  # Newton's method
        likely = 1 / (1 + np.exp(-np.clip(known @ slopes, -30, 30)))
        gradient = known.T @ (weight * (likely - truth)) + penalty * slopes
        curvature = (known.T * (weight * likely * (1 - likely) + 1e-9)) @ known + np.diag(penalty)
        slopes -= np.linalg.solve(curvature, gradient)
    return np.asarray(np.column_stack([(asked - mean) / spread, np.ones(len(asked))]) @ slopes)


def _area(positive: Features, negative: Features) -> float:
    """Returns the share of pairs in which the positive score is higher; ties count half."""
    higher = positive[:, None] - negative[None]
    return float(np.mean(higher > 0) + 0.5 * np.mean(higher == 0))


def _area_error(area: float, real: int, rendered: int) -> float:
    """Returns the standard error of an area under the ROC curve (Hanley and McNeil, 1982)."""
    one, other = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (real - 1) * (one - area**2) + (rendered - 1) * (other - area**2)
    return math.sqrt(max(variance, 0.0) / (real * rendered))


def box_crop(image: Image, corners: Corners) -> Image | None:
    """Cuts the upright box around ``corners`` (4, 2), with a margin; None where little of it is in the picture."""
    low, high = corners.min(0), corners.max(0)
    room = (high - low) * MARGIN
    (left, top), (right, bottom) = np.maximum(low - room, 0).astype(int), np.ceil(high + room).astype(int)
    crop = image[top:bottom, left:right]
    return crop if crop.shape[0] >= 8 and crop.shape[1] >= 16 else None


def real_crops() -> dict[str, list[Image]]:
    """Returns the real plates by the generator's kinds."""
    found: dict[str, list[Image]] = defaultdict(list)
    folder = datasets.data_root() / "real"
    for file, entry in json.loads((folder / "kinds.json").read_text("utf-8")).items():
        image = datasets.read_image(folder / "kinds" / file)
        for plate in entry["plates"]:
            kind = _KINDS.get(plate["kind"], plate["kind"])
            crop = box_crop(image, np.array(plate["quad"], np.float32))
            if kind is not None and crop is not None:
                found[kind].append(crop)
    for scene in datasets.scenes("val"):
        image = scene.load()
        for scene_plate in scene.plates:
            kind = _SCENE_KINDS.get(scene_plate.color or "") if scene_plate.rows == 1 else None
            crop = box_crop(image, scene_plate.quad)
            if kind is not None and crop is not None:
                found[kind].append(crop)
    return found


def rendered_crops(kind: str, each: int) -> list[Image]:
    """Draws scenes with plates of ``kind`` as for the test set, and returns the plates' crops."""
    found: list[Image] = []
    for index in range(each):
        scene = rendered_set.draw(kind, index, np.random.default_rng((SEED, index)))
        crop = box_crop(scene.image, scene.corners)
        if crop is not None:
            found.append(crop)
    return found


def main() -> int:
    """Prints the separation of each kind. Returns 0 when done."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--each", type=command.count, default=120, help="rendered plates of each kind")
    arguments = parser.parse_args()
    console = Console()
    table = Table("kind", "real plates", "rendered", "area under ROC", "standard error")
    crops = {kind: found for kind, found in real_crops().items() if len(found) >= LEAST_REAL}
    for kind in track(sorted(set(crops) & set(KINDS)), "comparing kinds", console=console):
        real = np.stack([features(crop) for crop in crops[kind]])
        rendered = np.stack([features(crop) for crop in rendered_crops(kind, arguments.each)])
        result = separation(real, rendered)
        table.add_row(kind, str(result.real), str(result.rendered), f"{result.area:.2f}", f"{result.error:.2f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    command.run(main)
