"""The recognizer: where exactly a plate's corners are, and what the plate shows, as probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import UNIT_CORNERS, Quad
from edge_lpr.vision.crops import PlateCrop
from edge_lpr.vision.interpreter import Interpreter
from edge_lpr.vision.model_file import ModelFile
from edge_lpr.vision.straighten import straighten, to_image_points


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """The recognizer's probabilities for one plate, float32, each row summing to 1.

    ``steps`` has shape (steps, 1 + len(ALPHABET)), in reading order: the upper line's columns, then the lower line's;
    where the plate was looked at in parts, of one part after the other. Class 0 is the CTC blank. ``colors`` has shape
    (len(COLORS),). ``rows`` has shape (2,): one row, two.
    ``legible`` (0.0-1.0) is that there is a plate whose number can be read.
    """

    steps: NDArray[np.float32]
    colors: NDArray[np.float32]
    rows: NDArray[np.float32]
    legible: float

    def with_crop_steps(self, parts: Sequence[Recognition]) -> Recognition:
        """This, but with the steps of its ``parts``, in reading order, and as legible as the least legible of them;
        colours and rows stay those of the whole."""
        steps = _join_steps([part.steps for part in parts])
        return replace(self, steps=steps, legible=min(part.legible for part in parts))

    @property
    def two_rows(self) -> bool:
        """Whether the plate has two rows rather than one."""
        return bool(self.rows[1] > self.rows[0])


_MAX_REFINEMENTS = 2
_CONVERGED_SHIFT = 0.08  # of the plate's height: corners that moved less, in the mean, gain nothing by a second look
_MIN_AREA_RATIO, _MAX_AREA_RATIO = 0.25, 4.0  # a refined quad of another size than that, by area, is no plate's


class Recognizer:
    """Looks at straightened plates."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        """Raises ModelError when the runtime cannot load the model."""
        self._interpreter = Interpreter(model, threads)
        self._height, self._width = model.sidecar.input.height, model.sidecar.input.width
        self.reads_parts = model.sidecar.reads_parts
        self._margin, self._look_margin = model.sidecar.margin, model.sidecar.look_margin

    def refine(self, image: NDArray[np.uint8], quad: Quad) -> Quad:
        """A closer look at where the plate in ``quad`` of ``image`` (uint8, BGR) has its corners.

        The detector sees a plate in a few cells; here it fills the picture. Where the detector was far off, what the
        first look mended is looked at once more. Gives ``quad`` back where the look finds no outline.
        """
        for _ in range(_MAX_REFINEMENTS):
            view = straighten(image, quad, self._width, self._height, self._look_margin)
            shifts = self._run(view)["corners"].reshape(4, 2)
            refined = Quad.from_array(to_image_points(UNIT_CORNERS + shifts, quad, self._look_margin))
            if not _is_plausible_quad(refined, quad):
                break
            moved = float(np.linalg.norm(refined.to_array() - quad.to_array(), axis=1).mean())
            quad = refined
            if moved < _CONVERGED_SHIFT * quad.height:
                break
        return quad

    def straighten(self, image: NDArray[np.uint8], quad: Quad) -> NDArray[np.uint8]:
        """The plate in ``quad`` of ``image`` (uint8, BGR) at this recognizer's size: uint8 (height, width, 3), BGR."""
        return straighten(image, quad, self._width, self._height, self._margin)

    def straighten_crop(self, image: NDArray[np.uint8], quad: Quad, part: PlateCrop) -> NDArray[np.uint8]:
        """``part`` of what ``straighten`` gives, filling the same size."""
        place = Quad.from_array(to_image_points(part.corners(), quad, self._margin))
        return straighten(image, place, self._width, self._height)

    def recognize(self, plate: NDArray[np.uint8]) -> Recognition:
        """Look at ``plate``, a picture from ``straighten``."""
        outputs = self._run(plate)
        characters = outputs["characters"]
        return Recognition(
            steps=softmax(characters.reshape(-1, characters.shape[-1])),
            colors=softmax(outputs["colors"].reshape(-1)),
            rows=softmax(outputs["rows"].reshape(-1)),
            legible=1 / (1 + math.exp(-float(outputs["legible"].item()))),
        )

    def _run(self, picture: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        return self._interpreter.run(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))


def _join_steps(looks: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The steps of several looks with a blank between two, whose last and first steps are no neighbours."""
    blank = np.zeros_like(looks[0][:1])
    blank[0, 0] = 1
    return np.concatenate([piece for steps in looks for piece in (steps, blank)][:-1])


def _is_plausible_quad(refined: Quad, quad: Quad) -> bool:
    corners = refined.to_array()
    area, before = float(cv2.contourArea(corners)), float(cv2.contourArea(quad.to_array()))
    return bool(cv2.isContourConvex(corners)) and _MIN_AREA_RATIO * before <= area <= _MAX_AREA_RATIO * before


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities
