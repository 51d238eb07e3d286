"""The plate reader: detect, refine, straighten, recognise, decode. All pictures are read here."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, ReaderSettings
from edge_lpr.geometry import Quad, Rect, intersection_area, rect_iou
from edge_lpr.plates import category_of, reconcile_color, reconcile_rows
from edge_lpr.readings import PlateReading
from edge_lpr.vision.confidence import SURE_DETECTION_SCORE, calibrated_confidence, is_clear, is_plausible
from edge_lpr.vision.detector import Detection, Detector
from edge_lpr.vision.model_file import ModelPair, load_models
from edge_lpr.vision.multi_scale import detect_photo
from edge_lpr.vision.recognizer import Recognizer
from edge_lpr.vision.straighten import upper_and_lower_half
from edge_lpr.vision.test_time_augmentation import Hypothesis, read_boxed_plate, read_plate
from edge_lpr.vision.timing import StageObserver, timed_stage

NarrowPlatesObserver = Callable[[list[Quad]], None]
"""Called once for each picture with the sure detections that are too narrow to be read; the list may be empty."""

DEFAULT_PLAUSIBLE = 0.05
"""Least raw confidence of a plate, if the recognizer's sidecar gives none."""

_DUPLICATE_IOU = 0.4
_DUPLICATE_OVERLAP = 0.7  # of the smaller rectangle; two readings that overlap this much are one plate


class PlateReader:
    """Reads the plates in pictures. Threads may share it.

    Attributes:
        models: The loaded models.
    """

    def __init__(self, models: ModelPair, settings: ReaderSettings) -> None:
        """Raises ModelError when the runtime cannot load the models."""
        self.models = models
        self._settings = settings
        self._detector = Detector(models.detector, settings.threads)
        self._recognizer = Recognizer(models.recognizer, settings.threads)
        self._calibration = models.recognizer.sidecar.calibration
        self._plausible = models.recognizer.sidecar.thresholds.get("plausible", DEFAULT_PLAUSIBLE)

    @classmethod
    def open(cls, settings: ReaderSettings | None = None) -> PlateReader:
        """Returns a reader with the models of ``settings.models_dir``, or with the shipped models.

        Without ``settings``, the reader is set up for photos: plates of ``PHOTO_MIN_PLATE_WIDTH`` pixels and more are
        read. Raises ModelError.
        """
        settings = ReaderSettings(min_plate_width=PHOTO_MIN_PLATE_WIDTH) if settings is None else settings
        return cls(load_models(settings.models_dir), settings)

    def read(
        self,
        image: NDArray[np.uint8],
        observe: StageObserver | None = None,
        min_plate_width: int | None = None,
        on_narrow_plates: NarrowPlatesObserver | None = None,
        *,
        single_scale: bool = False,
    ) -> list[PlateReading]:
        """Finds and reads all plates in a picture.

        Args:
            image: uint8 of shape (H, W, 3), BGR.
            observe: Called after each stage with its duration: "detect" for each run of the detector; "refine",
                "straighten", "recognise" and "decode" for each plate, and again for each further pass over a plate that
                is hard to read.
            min_plate_width: Plates that are narrower, in pixels, are skipped. Default: that of the settings.
            on_narrow_plates: Called with the skipped plates.
            single_scale: Runs the detector once, for a camera's frame. A photo is also searched in windows where it is
                large, see ``multi_scale``, and a plate in it that is found but not read is framed in other ways.

        Returns:
            The readings: the highest confidence first, at equal confidence the largest plate first.

        Raises:
            ValueError: ``image`` has another type or shape.
        """
        _check_image(image)
        if single_scale:
            with timed_stage("detect", observe):
                detections = self._detector.detect(image)
        else:
            detections = detect_photo(self._detector, image, observe)
        least = self._settings.min_plate_width if min_plate_width is None else min_plate_width
        if on_narrow_plates is not None:
            narrow = [found for found in detections if found.quad.width < least]
            on_narrow_plates([found.quad for found in narrow if found.score >= SURE_DETECTION_SCORE])
        readings: list[PlateReading] = []
        for found in detections:
            if found.quad.width < least:
                continue
            readings += self._read_detection(image, found, observe, try_again=not single_scale)
        return _without_duplicates(readings)

    def read_at(
        self, image: NDArray[np.uint8], quad: Quad, observe: StageObserver | None = None, score: float = 1.0
    ) -> PlateReading | None:
        """Reads the plate near ``quad`` of ``image``, uint8 of shape (H, W, 3), BGR.

        ``score`` (0.0-1.0) is the detection's. Returns None if there is no plate. Raises ValueError for an image of
        another type or shape.
        """
        _check_image(image)
        with timed_stage("refine", observe):
            refined = self._recognizer.refine(image, quad)
        return self._reading(image, read_plate(self._recognizer, image, refined, observe), score)

    def _read_detection(
        self, image: NDArray[np.uint8], found: Detection, observe: StageObserver | None, *, try_again: bool
    ) -> list[PlateReading]:
        """Reads the plate of a detection.

        With ``try_again``, a sure detection without a reading is read in other frames, also as two plates that touch
        each other. This takes too long for a camera, which sees an unreadable plate in many frames.
        """
        reading = self.read_at(image, found.quad, observe, found.score)
        if reading is not None or not try_again or found.score < SURE_DETECTION_SCORE:
            return [] if reading is None else [reading]
        # The corners may have moved to frame both plates, or the detection frames one above the other.
        for quads in ((found.quad,), upper_and_lower_half(found.quad)):
            boxed = [read_boxed_plate(self._recognizer, image, quad, observe) for quad in quads]
            clear = [one for one in boxed if one is not None and is_clear(one.decoded)]
            if clear:
                readings = (self._reading(image, one, found.score) for one in clear)
                return [one for one in readings if one is not None]
        return []

    def read_box(
        self, image: NDArray[np.uint8], box: Rect, observe: StageObserver | None = None
    ) -> PlateReading | None:
        """Reads the plate in ``box`` of ``image``, uint8 of shape (H, W, 3), BGR: a box from another detector.

        The box may be upright around a tilted plate, with a margin of up to 15 % of its size. The detector is not used:
        ``detection_score`` is 1.0, and the plate may have any width. Returns None if there is no plate. Raises
        ValueError for an image of another type or shape, and for a box that is empty or not in the image.
        """
        _check_image(image)
        height, width = image.shape[:2]
        if intersection_area(box, Rect(0, 0, width, height)) == 0:
            raise ValueError(f"the box {box} must cover pixels of the picture of {width} x {height}")
        return self._reading(image, read_boxed_plate(self._recognizer, image, Quad.of_rect(box), observe), 1.0)

    def read_crop(self, image: NDArray[np.uint8], observe: StageObserver | None = None) -> PlateReading | None:
        """Reads a plate that is already cut out as ``image``, uint8 of shape (H, W, 3), BGR.

        The picture is read as ``read_box`` reads a box. Returns None if there is no plate. Raises ValueError for an
        image of another type or shape.
        """
        _check_image(image)
        return self.read_box(image, Rect(0, 0, image.shape[1], image.shape[0]), observe)

    def _reading(self, image: NDArray[np.uint8], hypothesis: Hypothesis | None, score: float) -> PlateReading | None:
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
    """Returns the readings sorted, the best first, and only the best of several readings of one plate."""
    ranked = sorted(readings, key=lambda reading: (reading.confidence, reading.rect.area), reverse=True)
    kept: list[PlateReading] = []
    for reading in ranked:
        if not any(_is_same_plate(reading, other) for other in kept):
            kept.append(reading)
    return kept


def _is_same_plate(a: PlateReading, b: PlateReading) -> bool:
    overlap = intersection_area(a.rect, b.rect)
    if overlap == 0:
        return False
    if a.number == b.number or rect_iou(a.rect, b.rect) >= _DUPLICATE_IOU:
        return True
    return overlap >= _DUPLICATE_OVERLAP * min(a.rect.area, b.rect.area)
