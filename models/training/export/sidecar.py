"""The sidecar: the JSON file beside each model that describes it to the runtime."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

from torch import nn

from edge_lpr.plates import ALPHABET, COLORS
from models.training.augment.crops import READ_MARGIN, REFINE_MARGIN
from models.training.networks.detector import STRIDES
from models.training.networks.inputs import DETECTOR_INPUT, RECOGNIZER_INPUT
from models.training.networks.layers import count_macs

VERSION = "0.3.0"


def checked_out() -> str:
    """Returns the commit of this code, followed by "-dirty" where files have changed since."""
    describe = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    return subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()


def sidecar(task: str, tflite: Path, network: nn.Module, size: tuple[int, int], commit: str) -> dict[str, Any]:
    """Returns the sidecar's content.

    ``task`` is "detector" or "recognizer", ``tflite`` its model file, ``network`` the float network, ``size`` the
    height and width of the input. The confidence calibration is neutral and the accuracy empty:
    ``models.training.export.calibrate`` measures both.
    """
    return {
        "name": task,
        "version": VERSION,
        "task": task,
        "sha256": hashlib.sha256(tflite.read_bytes()).hexdigest(),
        "macs": count_macs(network, *size),
        "input": {
            "shape": [1, *size, 3],
            "dtype": "int8",
            "color_order": "RGB",
            "scale": 1 / 255,
            "zero_point": -128,
        },
        **(_of_detector() if task == "detector" else _of_recognizer()),
        "training": {"commit": commit, "recipe": f"models/training/train/{task}.py"},
        "accuracy": {},
    }


def _of_detector() -> dict[str, Any]:
    height, width = DETECTOR_INPUT
    outputs: dict[str, dict[str, Any]] = {}
    for stride in STRIDES:
        for name, channels in (("score", 1), ("corners", 8)):
            shape = [1, height // stride, width // stride, channels]
            outputs[f"{name}_{stride}"] = {"tensor": f"output_{len(outputs)}", "shape": shape}
    return {"outputs": outputs, "thresholds": {"score": 0.5, "nms_iou": 0.4}}


def _of_recognizer() -> dict[str, Any]:
    return {
        "outputs": {
            "characters": {"tensor": "output_0", "shape": [1, 2, RECOGNIZER_INPUT[1] // 4, 1 + len(ALPHABET)]},
            "colors": {"tensor": "output_1", "shape": [1, 1, 1, len(COLORS)]},
            "rows": {"tensor": "output_2", "shape": [1, 1, 1, 2]},
            "legible": {"tensor": "output_3", "shape": [1, 1, 1, 1]},
            "corners": {"tensor": "output_4", "shape": [1, 1, 1, 8]},
        },
        "margin": [READ_MARGIN, READ_MARGIN],
        "look_margin": list(REFINE_MARGIN),
        "reads_parts": True,
        "thresholds": {"plausible": 0.1},
        "alphabet": ALPHABET,
        "colors": list(COLORS),
        "calibration": {"slope": 1.0, "offset": 0.0},
    }
