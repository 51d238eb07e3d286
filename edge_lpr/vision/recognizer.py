"""The recognizer: what a straightened plate shows, as probabilities. No decision is made here."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.interpreter import Interpreter
from edge_lpr.vision.model_file import ModelFile
from edge_lpr.vision.straighten import straighten


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """The recognizer's probabilities for one plate, float32, each row summing to 1.

    ``steps`` has shape (steps, 1 + len(ALPHABET)), in reading order: the upper line's columns, then the lower
    line's; class 0 is the CTC blank. ``colors`` has shape (len(COLORS),). ``rows`` has shape (2,): one row, two.
    """

    steps: NDArray[np.float32]
    colors: NDArray[np.float32]
    rows: NDArray[np.float32]


class Recognizer:
    """Looks at straightened plates."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        """Raises ModelError when the runtime cannot load the model."""
        self._interpreter = Interpreter(model, threads)
        self._height, self._width = model.sidecar.input.height, model.sidecar.input.width
        self._margin = model.sidecar.margin

    def straighten(self, image: NDArray[np.uint8], quad: Quad) -> NDArray[np.uint8]:
        """The plate in ``quad`` of ``image`` (uint8, BGR) at this recognizer's size: uint8 (height, width, 3), BGR."""
        return straighten(image, quad, self._width, self._height, self._margin)

    def recognize(self, plate: NDArray[np.uint8]) -> Recognition:
        """Look at ``plate``, a picture from ``straighten``."""
        outputs = self._interpreter.run(cv2.cvtColor(plate, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        characters = outputs["characters"]
        return Recognition(
            steps=softmax(characters.reshape(-1, characters.shape[-1])),
            colors=softmax(outputs["colors"].reshape(-1)),
            rows=softmax(outputs["rows"].reshape(-1)),
        )


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
