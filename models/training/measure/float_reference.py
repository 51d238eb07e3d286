"""The float reference: the shipped reader with the float checkpoints in place of the int8 files.

All other code is the same. In this package only the float reference needs torch.
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
from models.training.arrays import Image


def torch_available() -> bool:
    """Whether this environment has torch."""
    return importlib.util.find_spec("torch") is not None


def require_checkpoints(folder: Path) -> None:
    """Raises FileNotFoundError where ``folder``, of a model pair, lacks the checkpoints."""
    for path in _checkpoints(folder):
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such checkpoint; models.training.export writes one beside its model")


def _checkpoints(folder: Path) -> tuple[Path, Path]:
    return folder / "checkpoints" / "detector.pt", folder / "checkpoints" / "recognizer.pt"


class FloatInterpreter:
    """Runs the network of a checkpoint, with the interface of ``edge_lpr.vision.interpreter.Interpreter``."""

    def __init__(self, model: ModelFile, checkpoint: Path) -> None:
        # imported by name, so that torch is needed only where a float reference is made
        self._torch: Any = importlib.import_module("torch")
        task = model.sidecar.task
        networks: Any = importlib.import_module(f"models.training.networks.{task}")
        network = networks.Detector() if task == "detector" else networks.Recognizer()
        network.load_state_dict(self._torch.load(checkpoint, map_location="cpu", weights_only=True))
        self._network = network.eval()
        # the converter numbers the outputs in the order in which the network returns them
        self._places = {name: int(spec.tensor.rpartition("_")[2]) for name, spec in model.sidecar.outputs.items()}
        self.runs = 0

    def run(self, image: Image) -> dict[str, NDArray[np.float32]]:
        """Returns the named outputs, channels last, of a uint8 picture (height, width, 3), RGB."""
        picture = self._torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float() / 255
        with self._torch.inference_mode():
            outputs = self._network(picture)
        self.runs += 1
        return {name: outputs[place].numpy().transpose(0, 2, 3, 1) for name, place in self._places.items()}


def open_float_reader(settings: ReaderSettings) -> tuple[PlateReader, tuple[FloatInterpreter, FloatInterpreter]]:
    """Returns a reader on the float checkpoints beside the models of ``settings``, and its two interpreters.

    The interpreters count their runs: a count of 0 shows that the reader does not use them. Raises ModelError as the
    reader does, FileNotFoundError without checkpoints.
    """
    detector_checkpoint, recognizer_checkpoint = _checkpoints(settings.models_dir or models_dir())
    reader = PlateReader.open(settings)
    detector = FloatInterpreter(reader.models.detector, detector_checkpoint)
    recognizer = FloatInterpreter(reader.models.recognizer, recognizer_checkpoint)
    # The product has no interface for another interpreter. Only this place replaces it from outside.
    for owner, interpreter in ((reader._detector, detector), (reader._recognizer, recognizer)):
        if not hasattr(owner, "_interpreter"):
            raise AttributeError(f"{type(owner).__name__} has no _interpreter; adapt open_float_reader to its new name")
        owner._interpreter = interpreter  # type: ignore[assignment]
    return reader, (detector, recognizer)
