"""The plate reader: detect, refine, straighten, recognise, decode. The one way from a picture to readings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import ReaderSettings
from edge_lpr.geometry import Quad, Rect, rect_iou
from edge_lpr.plates import category_of, reconcile_color, reconcile_rows
from edge_lpr.readings import PlateReading
from edge_lpr.vision.ctc_decoding import SURE_DETECTION_SCORE, calibrated_confidence, is_plausible
from edge_lpr.vision.detector import Detector
from edge_lpr.vision.model_file import ModelPair, load_models
from edge_lpr.vision.recognizer import Recognizer
from edge_lpr.vision.straighten import full_image_quad
from edge_lpr.vision.test_time_augmentation import read_plate
from edge_lpr.vision.timing import StageObserver, timed_stage

NarrowPlatesObserver = Callable[[list[Quad]], None]
"""Told which plates of a picture, surely such, were too narrow to be read; also when there are none."""

DEFAULT_PLAUSIBLE = 0.05
"""The smallest raw confidence of a plate, where the recognizer's sidecar gives none."""

_DUPLICATE_IOU = 0.4
_DUPLICATE_CONTAINMENT = 0.7  # of the smaller of two rectangles inside the larger: one plate found twice


class PlateReader:
    """Reads the plates in pictures. Safe to share between threads."""

    def __init__(self, models: ModelPair, settings: ReaderSettings) -> None:
        """Raises ModelError when the runtime cannot load the models."""
        self.models = models
        self._settings = settings
        self._detector = Detector(models.detector, settings.threads)
        self._recognizer = Recognizer(models.recognizer, settings.threads)
        self._calibration = models.recognizer.sidecar.calibration
        self._plausible = models.recognizer.sidecar.thresholds.get("plausible", DEFAULT_PLAUSIBLE)

    @classmethod
    def open(cls, settings: ReaderSettings) -> PlateReader:
        """A reader with the models of ``settings.models_dir``, or the shipped ones. Raises ModelError."""
        return cls(load_models(settings.models_dir), settings)

    def read(
        self,
        image: NDArray[np.uint8],
        observe: StageObserver | None = None,
        min_plate_width: int | None = None,
        on_narrow_plates: NarrowPlatesObserver | None = None,
    ) -> list[PlateReading]:
        """The plates in ``image``, uint8 of shape (H, W, 3), BGR: the surest first, then the largest.

        Plates narrower than ``min_plate_width`` pixels (default: that of the settings) are left out. ``observe`` is
        told the time of each stage: "detect" once, "refine", "straighten", "recognise" and "decode" for each plate,
        and "straighten", "recognise" and "decode" again for each further pass over a doubtful one,
        "refine" where its corners are looked for anew; ``on_narrow_plates`` is told the places of those left out.
        """
        _check_image(image)
        with timed_stage("detect", observe):
            detections = self._detector.detect(image)
        least = self._settings.min_plate_width if min_plate_width is None else min_plate_width
        wide_enough = [found for found in detections if found.quad.width >= least]
        if on_narrow_plates is not None:
            narrow = [found for found in detections if found.quad.width < least]
            on_narrow_plates([found.quad for found in narrow if found.score >= SURE_DETECTION_SCORE])
        readings: list[PlateReading] = []
        for found in wide_enough:
            reading = self.read_at(image, found.quad, observe, found.score)
            if reading is not None:
                readings.append(reading)
        return _without_duplicates(readings)

    def read_at(
        self, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None = None, score: float = 1.0
    ) -> PlateReading | None:
        """The plate that lies about ``quad`` of ``image``, uint8 of shape (H, W, 3), BGR; None when it shows none.

        ``score`` (0.0-1.0) is the detection's: how sure it is that there is a plate.
        """
        _check_image(image)
        with timed_stage("refine", observe):
            refined = self._recognizer.refine(image, quad)
        return self._read_quad(image, refined, score, observe)

    def read_crop(self, image: NDArray[np.uint8], observe: StageObserver | None = None) -> PlateReading | None:
        """The plate that fills ``image``, uint8 of shape (H, W, 3), BGR; None when it shows none.

        Nothing is detected, so ``detection_score`` is 1.0, and the width does not matter.
        """
        _check_image(image)
        return self._read_quad(image, full_image_quad(image), 1.0, observe)

    def _read_quad(
        self, image: NDArray[np.uint8], quad: Quad, score: float, observe: StageObserver | None
    ) -> PlateReading | None:
        hypothesis = read_plate(self._recognizer, image, quad, observe)
        if hypothesis is None or not is_plausible(hypothesis.decoded, score, self._plausible):
            return None
        decoded = hypothesis.decoded
        color = reconcile_color(decoded.number, hypothesis.colors)
        height, width = image.shape[:2]
        return PlateReading(
            number=decoded.number,
            confidence=calibrated_confidence(decoded, self._calibration),
            color=color,
            category=category_of(decoded.number, color),
            rows=reconcile_rows(decoded.number, color, hypothesis.rows),
            quad=hypothesis.quad,
            rect=hypothesis.quad.bounding_rect(width, height),
            detection_score=score,
            character_probabilities=decoded.character_probabilities,
            color_probabilities=hypothesis.colors,
        )


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(f"a picture must be uint8 of shape (H, W, 3), not {image.dtype} of {image.shape}")


def _without_duplicates(readings: list[PlateReading]) -> list[PlateReading]:
    """Sorted best first, with only the best of several readings of one plate."""
    ranked = sorted(readings, key=lambda reading: (reading.confidence, _area(reading.rect)), reverse=True)
    kept: list[PlateReading] = []
    for reading in ranked:
        if not any(_same_plate(reading, other) for other in kept):
            kept.append(reading)
    return kept


def _same_plate(a: PlateReading, b: PlateReading) -> bool:
    overlap = _overlap(a.rect, b.rect)
    if overlap == 0:
        return False
    smaller = min(_area(a.rect), _area(b.rect))
    return (
        a.number == b.number
        or rect_iou(a.rect, b.rect) >= _DUPLICATE_IOU
        or overlap >= _DUPLICATE_CONTAINMENT * smaller
    )


def _area(rect: Rect) -> int:
    return rect.width * rect.height


def _overlap(a: Rect, b: Rect) -> int:
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    return max(0, width) * max(0, height)
