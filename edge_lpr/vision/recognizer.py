"""The recognizer: refines the corners of a plate, and returns what the plate shows as probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import UNIT_CORNERS, Quad
from edge_lpr.vision.crops import PlateCrop
from edge_lpr.vision.ctc_classes import BLANK
from edge_lpr.vision.interpreter import Interpreter
from edge_lpr.vision.model_file import ModelFile
from edge_lpr.vision.straighten import straighten, to_image_points

_MAX_REFINEMENTS = 2
_CONVERGED_SHIFT = 0.08  # of the plate's height; after a smaller mean shift of the corners, a second run gains nothing
_MIN_AREA_RATIO, _MAX_AREA_RATIO = 0.25, 4.0  # of the area after and before a refinement


@dataclass(frozen=True, slots=True, eq=False)
class Recognition:
    """The recognizer's probabilities for one plate: float32 arrays whose rows sum to 1.

    Attributes:
        steps: CTC steps in reading order, of shape (steps, 1 + len(ALPHABET)); class 0 is the blank. The columns of
            the upper line come first, then those of the lower line. For a plate that was recognised in crops, the
            steps of the crops follow each other.
        colors: Shape (len(COLORS),), in the order of ``plates.COLORS``.
        rows: Shape (2,): one row, two rows.
        legible: 0.0-1.0: probability that there is a plate with a legible number.
    """

    steps: NDArray[np.float32]
    colors: NDArray[np.float32]
    rows: NDArray[np.float32]
    legible: float

    def with_crop_steps(self, crops: Sequence[Recognition]) -> Recognition:
        """Returns this recognition with the steps of ``crops``, which are in reading order.

        ``legible`` is the lowest of the crops. Colours and rows stay those of the whole plate.
        """
        steps = _join_steps([crop.steps for crop in crops])
        return replace(self, steps=steps, legible=min(crop.legible for crop in crops))

    @property
    def two_rows(self) -> bool:
        """Whether two rows are more likely than one."""
        return bool(self.rows[1] > self.rows[0])


class Recognizer:
    """Runs the recognition model on plates."""

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        """Raises ModelError when the runtime cannot load the model."""
        self._interpreter = Interpreter(model, threads)
        self._height, self._width = model.sidecar.input.height, model.sidecar.input.width
        self._margin, self._refine_margin = model.sidecar.margin, model.sidecar.look_margin
        self.reads_crops = model.sidecar.reads_parts

    def refine(self, image: NDArray[np.uint8], quad: Quad) -> Quad:
        """Returns the exact corners of the plate near ``quad`` of ``image`` (uint8, BGR).

        The detector sees a plate in a few grid cells only. Here the plate fills the model's input. If the corners
        moved far, they are refined once more. Returns ``quad`` unchanged if the model finds no plausible outline.
        """
        for _ in range(_MAX_REFINEMENTS):
            picture = straighten(image, quad, self._width, self._height, self._refine_margin)
            shifts = self._run(picture)["corners"].reshape(4, 2)
            refined = Quad.from_array(to_image_points(UNIT_CORNERS + shifts, quad, self._refine_margin))
            if not _is_plausible_quad(refined, quad):
                break
            moved = float(np.linalg.norm(refined.to_array() - quad.to_array(), axis=1).mean())
            quad = refined
            if moved < _CONVERGED_SHIFT * quad.height:
                break
        return quad

    def straighten(self, image: NDArray[np.uint8], quad: Quad) -> NDArray[np.uint8]:
        """Straightens the plate in ``quad`` of ``image`` (uint8, BGR) to the model's input size.

        Returns uint8 of shape (height, width, 3), BGR.
        """
        return straighten(image, quad, self._width, self._height, self._margin)

    def straighten_crop(self, image: NDArray[np.uint8], quad: Quad, crop: PlateCrop) -> NDArray[np.uint8]:
        """Straightens only ``crop`` of the picture that ``straighten`` returns, enlarged to the same size."""
        corners = Quad.from_array(to_image_points(crop.corners(), quad, self._margin))
        return straighten(image, corners, self._width, self._height)

    def recognize(self, plate: NDArray[np.uint8]) -> Recognition:
        """Runs the model on ``plate``, a picture from ``straighten`` or ``straighten_crop``."""
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


def softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the softmax of ``logits`` along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=-1, keepdims=True)
    return probabilities


def _join_steps(parts: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Joins the steps of several crops. A blank between two crops keeps equal characters at the seam apart."""
    blank = np.zeros_like(parts[0][:1])
    blank[0, BLANK] = 1
    return np.concatenate([piece for steps in parts for piece in (steps, blank)][:-1])


def _is_plausible_quad(refined: Quad, quad: Quad) -> bool:
    corners = refined.to_array()
    area, before = float(cv2.contourArea(corners)), float(cv2.contourArea(quad.to_array()))
    return bool(cv2.isContourConvex(corners)) and _MIN_AREA_RATIO * before <= area <= _MAX_AREA_RATIO * before
