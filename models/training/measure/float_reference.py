"""The float twin of the shipped reader: the checkpoints in place of the int8 files, all else the same code.

torch is needed here and nowhere else where bars are measured.
"""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import ReaderSettings
from edge_lpr.resources import models_dir
from edge_lpr.vision.model_file import ModelFile
from edge_lpr.vision.reader import PlateReader


def torch_is_here() -> bool:
    """Whether the twin can be made in this environment."""
    return importlib.util.find_spec("torch") is not None


def need_checkpoints(folder: Path) -> None:
    """Raises FileNotFoundError where ``folder``, of a model pair, lacks the checkpoints."""
    for path in _checkpoints(folder):
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such checkpoint; models.training.export writes one beside its model")


def _checkpoints(folder: Path) -> tuple[Path, Path]:
    return folder / "checkpoints" / "detector.pt", folder / "checkpoints" / "recognizer.pt"


class FloatInterpreter:
    """Stands where ``edge_lpr.vision.interpreter.Interpreter`` does and runs the network of a checkpoint."""

    def __init__(self, model: ModelFile, checkpoint: Path) -> None:
        # by name, so that neither torch nor what imports it is needed until a twin is made
        self._torch: Any = importlib.import_module("torch")
        networks: Any = importlib.import_module("models.training.networks.architectures")
        network = networks.Detector() if model.sidecar.task == "detector" else networks.Recognizer()
        network.load_state_dict(self._torch.load(checkpoint, map_location="cpu", weights_only=True))
        self._network = network.eval()
        # the converter numbers the outputs in the order in which the network gives them
        self._places = {name: int(spec.tensor.rpartition("_")[2]) for name, spec in model.sidecar.outputs.items()}
        self.runs = 0

    def run(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """As ``Interpreter.run``: uint8 (height, width, 3) RGB to named outputs, channels last."""
        picture = self._torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255
        with self._torch.inference_mode():
            outputs = self._network(picture)
        self.runs += 1
        return {name: outputs[place].numpy().transpose(0, 2, 3, 1) for name, place in self._places.items()}


def open_twin(settings: ReaderSettings) -> tuple[PlateReader, tuple[FloatInterpreter, FloatInterpreter]]:
    """A reader on the float checkpoints beside the models of ``settings``, and its two interpreters.

    The interpreters count their runs: a twin whose count stays 0 was never asked. Raises ModelError as the reader
    does, FileNotFoundError without checkpoints.
    """
    finding, reading = _checkpoints(settings.models_dir or models_dir())
    reader = PlateReader.open(settings)
    detector = FloatInterpreter(reader.models.detector, finding)
    recognizer = FloatInterpreter(reader.models.recognizer, reading)
    # The product has no door for another engine, and needs none: this is the one place that reaches in.
    for owner, twin in ((reader._detector, detector), (reader._recognizer, recognizer)):
        if not hasattr(owner, "_interpreter"):
            raise AttributeError(f"{type(owner).__name__} keeps no _interpreter any more; tell open_twin where it is")
        owner._interpreter = twin  # type: ignore[assignment]
    return reader, (detector, recognizer)
