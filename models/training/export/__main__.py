"""Turn trained weights into the shipped model files: int8 ``.tflite``, JSON sidecar, float checkpoint.

    python -m models.training.export recognizer --weights cache/recognizer/weights.pt --pool cache/pool-1 --out models

The sidecar's calibration is neutral and its accuracy empty until ``models.training.export.calibrate`` measures them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edge_lpr.plates import ALPHABET, COLORS
from models.training import command
from models.training.augment.crops import LOOK_MARGIN, READ_MARGIN
from models.training.data import datasets as data
from models.training.data.detector_samples import SceneWindows
from models.training.data.recognizer_samples import PlateSamples
from models.training.export.quantize import to_float_tflite, to_int8_tflite
from models.training.networks.architectures import STRIDES, Detector, Recognizer, count_macs, fold_wide
from models.training.networks.inputs import DETECTOR_INPUT, RECOGNIZER_INPUT
from models.training.train.detector import letterboxed

Samples = Callable[[Sequence[Path]], list[NDArray[np.uint8]]]

VERSION = "0.3.0"
DETECTOR_SAMPLES, RECOGNIZER_SAMPLES = 200, 600
"""Pictures that set the ranges of the activations."""
CHARACTER_FLOOR = {"output_0": -12.0}
"""Of the recognizer's character logits, which range from -80 to 50; with it int8 and float disagree a third less."""


def recognizer_samples(pools: Sequence[Path]) -> list[NDArray[np.uint8]]:
    """Training samples as the device would see them, (64, 160, 3) RGB."""
    samples = PlateSamples(pools, seed=99)
    rng = np.random.default_rng(99)
    return [samples.sample(rng)[0].numpy().transpose(1, 2, 0) for _ in range(RECOGNIZER_SAMPLES)]


def detector_samples(pools: Sequence[Path]) -> list[NDArray[np.uint8]]:
    """Whole training photos and degraded windows with plates of every kind, (384, 640, 3) RGB."""
    rng = np.random.default_rng(99)
    scenes = data.scenes("train")
    chosen = rng.choice(len(scenes), DETECTOR_SAMPLES // 2, replace=False)
    photos = [letterboxed(scenes[int(i)].load())[0][..., ::-1] for i in chosen]
    windows = SceneWindows(pools)
    rest = DETECTOR_SAMPLES - len(photos)
    photos += [windows.sample(rng, *DETECTOR_INPUT)[0].numpy().transpose(1, 2, 0) for _ in range(rest)]
    return [np.ascontiguousarray(photo) for photo in photos]


def detector_outputs() -> dict[str, dict[str, Any]]:
    """The sidecar's ``outputs`` of the detector."""
    height, width = DETECTOR_INPUT
    outputs: dict[str, dict[str, Any]] = {}
    for stride in STRIDES:
        for name, channels in (("score", 1), ("corners", 8)):
            shape = [1, height // stride, width // stride, channels]
            outputs[f"{name}_{stride}"] = {"tensor": f"output_{len(outputs)}", "shape": shape}
    return outputs


def recognizer_outputs() -> dict[str, dict[str, Any]]:
    """The sidecar's ``outputs`` of the recognizer."""
    return {
        "characters": {"tensor": "output_0", "shape": [1, 2, RECOGNIZER_INPUT[1] // 4, 1 + len(ALPHABET)]},
        "colors": {"tensor": "output_1", "shape": [1, 1, 1, len(COLORS)]},
        "rows": {"tensor": "output_2", "shape": [1, 1, 1, 2]},
        "legible": {"tensor": "output_3", "shape": [1, 1, 1, 1]},
        "corners": {"tensor": "output_4", "shape": [1, 1, 1, 8]},
    }


def checked_out() -> str:
    """The commit of this code, with "-dirty" behind it where files were changed since."""
    describe = ["git", "describe", "--always", "--abbrev=40", "--exclude=*", "--dirty"]
    return subprocess.run(describe, capture_output=True, text=True, check=True).stdout.strip()


def sidecar(task: str, tflite: Path, network: nn.Module, size: tuple[int, int], commit: str) -> dict[str, Any]:
    """What the JSON beside the model says."""
    own: dict[str, Any] = {"outputs": detector_outputs(), "thresholds": {"score": 0.5, "nms_iou": 0.4}}
    if task == "recognizer":
        own = {
            "outputs": recognizer_outputs(),
            "margin": [READ_MARGIN, READ_MARGIN],
            "look_margin": list(LOOK_MARGIN),
            "reads_parts": True,
            "thresholds": {"plausible": 0.1},
            "alphabet": ALPHABET,
            "colors": list(COLORS),
            "calibration": {"slope": 1.0, "offset": 0.0},
        }
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
        **own,
        "training": {"commit": commit, "recipe": f"models/training/train/{task}.py"},
        "accuracy": {},
    }


def export(task: str, weights: Path, pools: Sequence[Path], out: Path) -> None:
    """Write ``task``.tflite, its sidecar and its checkpoint to ``out``."""
    network: nn.Module = Detector() if task == "detector" else Recognizer()
    size = DETECTOR_INPUT if task == "detector" else RECOGNIZER_INPUT
    samples: Samples = detector_samples if task == "detector" else recognizer_samples
    outputs = 6 if task == "detector" else 5
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.eval()
    fold_wide(network)
    (out / "checkpoints").mkdir(parents=True, exist_ok=True)
    tflite = out / f"{task}.tflite"
    commit = checked_out()  # before any file of the checkout is written
    with tempfile.TemporaryDirectory() as folder:
        float_path = Path(folder) / f"{task}.tflite"
        to_float_tflite(network, *size, outputs, float_path)
        floors = CHARACTER_FLOOR if task == "recognizer" else None
        to_int8_tflite(float_path, samples(pools), tflite, floors)
    tflite.chmod(0o644)
    text = json.dumps(sidecar(task, tflite, network, size, commit), ensure_ascii=False, indent=1)
    (out / f"{task}.json").write_text(text + "\n", "utf-8")
    shutil.copyfile(weights, out / "checkpoints" / f"{task}.pt")
    print(f"wrote {tflite} ({tflite.stat().st_size / 1024:.0f} KiB)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("detector", "recognizer"))
    parser.add_argument("--weights", type=Path, required=True, help="weights.pt of a training run")
    parser.add_argument("--pool", type=Path, nargs="+", required=True, help="folders made by models.training.data.pool")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder to write")
    arguments = parser.parse_args()
    export(arguments.task, arguments.weights, arguments.pool, arguments.out)


if __name__ == "__main__":
    command.run(main)
