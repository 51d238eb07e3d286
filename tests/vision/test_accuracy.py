"""Accuracy of the shipped models on real photos that were not used in training."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from edge_lpr.config import ReaderSettings
from edge_lpr.evaluation import accuracy as evaluation
from edge_lpr.vision.reader import PlateReader


def test_the_shipped_models_reach_the_required_accuracy(shared_data: Path, models_dir: Path) -> None:
    reader = PlateReader.open(ReaderSettings(models_dir=models_dir, min_plate_width=8))
    result = evaluation.evaluate_photos([shared_data], reader, "val", None, Console(file=io.StringIO()))
    crops, scenes = result.tallies()["together"]
    assert scenes.exact / scenes.plates >= 0.97, scenes
    assert crops.exact / crops.plates >= 0.97, crops
    for tally in (crops, scenes):
        assert tally.color_right / tally.colored >= 0.99, tally
