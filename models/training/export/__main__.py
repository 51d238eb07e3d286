"""Turns trained weights into the shipped model files: int8 ``.tflite``, JSON sidecar, float checkpoint.

    python -m models.training.export recognizer --weights cache/recognizer/weights.pt --pool cache/pool-1 --out models

The sidecar's calibration is neutral and its accuracy empty until ``models.training.export.calibrate`` measures them.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from models.training import command
from models.training.arrays import Image
from models.training.export.quantize import to_float_tflite, to_int8_tflite
from models.training.export.samples import detector_samples, recognizer_samples
from models.training.export.sidecar import checked_out, sidecar
from models.training.networks.detector import Detector
from models.training.networks.inputs import DETECTOR_INPUT, RECOGNIZER_INPUT
from models.training.networks.layers import fold_for_export
from models.training.networks.recognizer import Recognizer

Samples = Callable[[Sequence[Path]], list[Image]]

CHARACTER_FLOOR = {"output_0": -12.0}
"""Lower limit of the recognizer's character logits, which range from -80 to 50. With it, readings of the int8 and the
float model differ a third less often."""


def export(task: str, weights: Path, pools: Sequence[Path], out: Path) -> None:
    """Writes ``task``.tflite, its sidecar and its checkpoint to ``out``."""
    network: nn.Module = Detector() if task == "detector" else Recognizer()
    size = DETECTOR_INPUT if task == "detector" else RECOGNIZER_INPUT
    samples: Samples = detector_samples if task == "detector" else recognizer_samples
    outputs = 6 if task == "detector" else 5
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network.eval()
    fold_for_export(network)
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
    """Parses the command line and exports."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("task", choices=("detector", "recognizer"))
    parser.add_argument("--weights", type=Path, required=True, help="weights.pt of a training run")
    parser.add_argument("--pool", type=Path, nargs="+", required=True, help="folders made by models.training.data.pool")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder to write")
    arguments = parser.parse_args()
    export(arguments.task, arguments.weights, arguments.pool, arguments.out)


if __name__ == "__main__":
    command.run(main)
