"""Fits the confidence and writes the measured accuracy into the sidecars, with the shipped int8 files.

    python -m models.training.export.calibrate --models models

Reads the validation splits and some rendered scenes with the runtime's own code. The confidence is a line on the logit
of the raw confidence (Platt, 1999), fitted to whether the whole number was right. Then
``edge_lpr.evaluation.accuracy`` measures what ships.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from edge_lpr.config import ReaderSettings
from edge_lpr.evaluation import accuracy
from edge_lpr.geometry import Quad
from edge_lpr.vision.confidence import is_plausible
from edge_lpr.vision.detector import Detector
from edge_lpr.vision.model_file import load_models
from edge_lpr.vision.reader import PlateReader
from edge_lpr.vision.recognizer import Recognizer
from edge_lpr.vision.straighten import full_image_quad
from edge_lpr.vision.test_time_augmentation import read_plate
from models.training import command
from models.training.arrays import Image
from models.training.data import datasets
from models.training.synthesis import KINDS
from models.training.test_sets import rendered_set

RENDERED_EACH = 48
"""Rendered scenes of each kind that are read too: the real plates are of few kinds, and almost none is misread."""
RENDERED_SEED = 22_000
"""Differs from the seeds of the rendered test set and of the pictures without plates."""
WRONG_WEIGHT = 1.5
"""Weight of a wrong reading in the fit; a right one has 1. A wrongly opened gate costs more than a question."""
PRIOR = 2.0
"""Strength of the prior at the neutral line, in readings, so that a few misses cannot change the line much."""


def raw_confidences(models_dir: Path) -> Iterator[tuple[float, bool]]:
    """Yields the raw confidence, and whether the number was right, of every plate that is found and reported."""
    models = load_models(models_dir)
    detector, recognizer = Detector(models.detector), Recognizer(models.recognizer)
    plausible = models.recognizer.sidecar.thresholds["plausible"]

    def read(image: Image, quad: Quad, score: float, number: str) -> Iterator[tuple[float, bool]]:
        result = read_plate(recognizer, image, quad)
        if result is not None and is_plausible(result.decoded, score, plausible):
            yield result.decoded.raw_confidence, result.decoded.number == number

    def find(image: Image, quad: Quad, number: str) -> Iterator[tuple[float, bool]]:
        near = [one for one in detector.detect(image) if accuracy.quad_iou(one.quad, quad) >= accuracy.MATCH_IOU]
        if near:
            yield from read(image, recognizer.refine(image, near[0].quad), near[0].score, number)

    for scene in track(datasets.scenes("val"), "scenes"):
        image = datasets.read_image(scene.path)
        for plate in scene.plates:
            if plate.number is not None:
                yield from find(image, Quad.from_array(plate.quad), plate.number)
    rng = np.random.default_rng(RENDERED_SEED)
    for kind in track(KINDS, "rendered scenes"):
        for index in range(RENDERED_EACH):
            drawn = rendered_set.draw(kind, index, rng)
            yield from find(drawn.image, Quad.from_array(drawn.corners), drawn.plate.number)
    for crop in track(datasets.crops("val", sets=("easypr", "toll", "nev")), "crops"):
        image = crop.load()
        yield from read(image, full_image_quad(image), 1.0, crop.number)


def fit(raw: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Returns slope and offset of the logistic line, fitted by Newton's method with a weak prior at (1, 0).

    ``raw`` (N,) are raw confidences, 0.0-1.0; ``right`` (N,) says which numbers were right.
    """
    logits = _logits(raw)
    design = np.stack([logits, np.ones_like(logits)], axis=1)
    weight = np.where(right, 1.0, WRONG_WEIGHT)
    line = np.array([1.0, 0.0])
    prior = np.array([1.0, 0.0])
    for _ in range(50):
        probability = 1 / (1 + np.exp(-design @ line))
        gradient = design.T @ (weight * (right - probability)) - PRIOR * (line - prior)
        curvature = design.T @ (design * (weight * probability * (1 - probability))[:, None]) + PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        line = line + step
        if np.abs(step).max() < 1e-8:
            break
    return round(float(max(line[0], 0.05)), 4), round(float(line[1]), 4)


def expected_error(confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> float:
    """Returns the expected calibration error over equally filled bins, 0.0-1.0 (Naeini et al., 2015)."""
    order = np.argsort(confidence)
    parts = np.array_split(order, bins)
    return float(sum(abs(confidence[p].mean() - right[p].mean()) * len(p) for p in parts if len(p)) / len(order))


def _logits(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(raw, 1e-6, 1 - 1e-6)
    logits: NDArray[np.float64] = np.log(clipped / (1 - clipped))
    return logits


def _update(path: Path, changes: dict[str, Any]) -> None:
    """Replaces the top-level entries ``changes`` of a JSON file."""
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content | changes, ensure_ascii=False, indent=1) + "\n", "utf-8")


def main() -> None:
    """Parses the command line, fits the confidence, measures the accuracy and writes both."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the model pair")
    parser.add_argument("--misses", type=Path, help="PNG to write the misses to")
    arguments = parser.parse_args()
    raw, right = (np.array(column) for column in zip(*raw_confidences(arguments.models), strict=True))
    slope, offset = fit(raw, right)
    _update(arguments.models / "recognizer.json", {"calibration": {"slope": slope, "offset": offset}})
    calibrated = 1 / (1 + np.exp(-(slope * _logits(raw) + offset)))
    print(f"calibration: slope {slope} offset {offset}, expected error {expected_error(calibrated, right):.4f}")

    console = Console()
    reader = PlateReader.open(ReaderSettings(models_dir=arguments.models, min_plate_width=8))
    result = accuracy.evaluate_photos([datasets.data_root()], reader, "val", arguments.misses, console)
    accuracy.print_result(result, console)
    sets = {
        tally.name: {"plates": tally.plates, "exact": tally.exact, "color_right": tally.color_right}
        for title in ("together", "set")
        for tally in result.tallies()[title]
    }
    for name in ("detector", "recognizer"):
        _update(arguments.models / f"{name}.json", {"accuracy": {"split": "val", "end to end": sets}})


if __name__ == "__main__":
    command.run(main)
