"""The detector: finds the plates of a frame as quads."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.interpreter import Interpreter
from edge_lpr.vision.model_file import STRIDES, ModelFile

PADDING_GREY = 114
"""Grey level of the letterbox padding."""

DEFAULT_SCORE = 0.5
DEFAULT_NMS_IOU = 0.4
_MAX_CANDIDATES = 200  # enough for about twenty plates; bounds the time for a frame full of noise
_MERGE_IOU, _MERGE_SCORE_RATIO = 0.6, 0.5  # of candidates, against the best one, whose corners are averaged
_NEXT_CORNER = (1, 2, 3, 0)  # of a corner or an edge, clockwise
_MIN_SIDE = 4.0  # pixels of the frame; a shorter side cannot hold a character


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected plate: its corners in pixels of the frame, and its score 0.0-1.0."""

    quad: Quad
    score: float


class Detector:
    """Finds plates in frames of any size.

    Attributes:
        width: Width of the model's input, in pixels.
        height: Its height.
        nms_iou: Detections with a higher intersection over union are of one plate.
    """

    def __init__(self, model: ModelFile, threads: int | None = None) -> None:
        """Raises ModelError when the runtime cannot load the model."""
        self._interpreter = Interpreter(model, threads)
        self.height, self.width = model.sidecar.input.height, model.sidecar.input.width
        self._min_score = model.sidecar.thresholds.get("score", DEFAULT_SCORE)
        self.nms_iou: float = model.sidecar.thresholds.get("nms_iou", DEFAULT_NMS_IOU)

    def detect(self, image: NDArray[np.uint8], scale: float | None = None) -> list[Detection]:
        """Returns the plates in ``image``, uint8 of shape (H, W, 3), BGR; the best score first.

        ``scale`` is at most that of ``scale_of``, which is the default.
        """
        canvas, scale = letterbox(image, self.width, self.height, scale)
        outputs = self._interpreter.run(np.asarray(cv2.cvtColor(canvas, cv2.COLOR_BGR2RGB), np.uint8))
        quads, scores = decode_grids(outputs, self._min_score)
        return suppress_overlaps(quads / np.float32(scale), scores, self.nms_iou)

    def scale_of(self, image: NDArray[np.uint8]) -> float:
        """Returns the scale at which ``image`` fits the detector's input."""
        return min(float(self.width / image.shape[1]), float(self.height / image.shape[0]))

    def window_size(self, scale: float) -> tuple[int, int]:
        """Returns width and height, in pixels of the picture, of a window that fills the input at ``scale``."""
        return round(self.width / scale), round(self.height / scale)


def letterbox(
    image: NDArray[np.uint8], width: int, height: int, scale: float | None = None
) -> tuple[NDArray[np.uint8], float]:
    """Scales ``image`` to fit ``width`` x ``height``, keeps its aspect ratio, and pads it at the right and bottom.

    ``scale`` is a smaller scale than the one that fits. Returns the canvas and the scale. A point of the canvas divided
    by the scale is the point of the image.
    """
    source_height, source_width = image.shape[:2]
    scale = min(width / source_width, height / source_height) if scale is None else scale
    fitted = (max(1, round(source_width * scale)), max(1, round(source_height * scale)))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = cv2.resize(image, fitted, interpolation=interpolation)
    below, beside = height - fitted[1], width - fitted[0]
    grey = (PADDING_GREY, PADDING_GREY, PADDING_GREY)
    canvas = cv2.copyMakeBorder(resized, 0, below, 0, beside, cv2.BORDER_CONSTANT, value=grey)
    return np.asarray(canvas, np.uint8), scale


def decode_grids(
    outputs: Mapping[str, NDArray[np.float32]], min_score: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Decodes the model's grids to candidates.

    Args:
        outputs: For each stride S, ``score_S`` [1, h, w, 1] in logits and ``corners_S`` [1, h, w, 8] in cells.
        min_score: Least score of a candidate, between 0.0 and 1.0.

    Returns:
        Quads of shape (n, 4, 2) in pixels of the canvas, and scores of shape (n,), 0.0-1.0; the best first.
    """
    min_logit = math.log(min_score / (1 - min_score))
    quads, logits = [], []
    for stride in STRIDES:
        grid = outputs[f"score_{stride}"][0, :, :, 0]
        rows, columns = np.nonzero(grid >= min_logit)
        centers = (np.stack([columns, rows], axis=1).astype(np.float32) + 0.5)[:, np.newaxis, :]
        corners = outputs[f"corners_{stride}"][0, rows, columns].reshape(-1, 4, 2)
        quads.append((centers + corners) * np.float32(stride))
        logits.append(grid[rows, columns])
    all_quads, all_logits = np.concatenate(quads), np.concatenate(logits)
    best = np.argsort(-all_logits, kind="stable")[:_MAX_CANDIDATES]
    scores = 1 / (1 + np.exp(-all_logits[best]))
    return all_quads[best], scores.astype(np.float32)


def suppress_overlaps(quads: NDArray[np.float32], scores: NDArray[np.float32], max_iou: float) -> list[Detection]:
    """Reduces candidates to one detection for each plate: non-maximum suppression over upright bounding boxes.

    Candidates that are not valid quads are dropped. The corners of a detection are the mean of the candidates that
    agree on it, weighted by score, because neighbouring cells have independent errors.

    Args:
        quads: Candidates of shape (n, 4, 2), the best first.
        scores: Their scores, of shape (n,).
        max_iou: Candidates with a higher intersection over union count as one plate.
    """
    valid = _are_valid_quads(quads)
    quads, scores = quads[valid], scores[valid]
    low, high = quads.min(axis=1), quads.max(axis=1)
    areas = (high - low).prod(axis=1)
    waiting = np.ones(len(quads), dtype=bool)
    found = []
    for best in range(len(quads)):
        if not waiting[best]:
            continue
        overlap = np.maximum(np.minimum(high[best], high) - np.maximum(low[best], low), 0).prod(axis=1)
        iou = overlap / (areas[best] + areas - overlap)
        same = waiting & (iou > max_iou)
        waiting &= ~same
        close = same & (iou > _MERGE_IOU) & (scores >= _MERGE_SCORE_RATIO * scores[best])
        corners = np.tensordot(scores[close] / scores[close].sum(), quads[close], axes=1)
        found.append(Detection(Quad.from_array(corners), float(scores[best])))
    return found


def _are_valid_quads(quads: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Returns which of ``quads`` (n, 4, 2) are convex, in clockwise order and with sides that can hold characters."""
    edges = quads[:, _NEXT_CORNER] - quads
    following = edges[:, _NEXT_CORNER]
    turns = edges[..., 0] * following[..., 1] - edges[..., 1] * following[..., 0]
    valid: NDArray[np.bool_] = ((turns > 0) & (np.hypot(edges[..., 0], edges[..., 1]) >= _MIN_SIDE)).all(axis=1)
    return valid
