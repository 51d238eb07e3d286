"""Detection at several scales, for photos that are much larger than the detector's input, or that one plate fills.

The detector sees a picture scaled to its input. In a photo of 12 megapixels a plate of 110 pixels is then 15 pixels
wide, too small to be found. So a large photo is also searched in overlapping windows; each level has twice the scale of
the level before. A plate that fills the photo is larger than any that the detector has learnt. So a photo without a
detection is also searched at smaller scales.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.detector import Detection, Detector, suppress_overlaps
from edge_lpr.vision.timing import StageObserver, timed_stage

SMALLEST_WIDTH = 60
"""Pixels of the photo. Plates of this width and more are to be found."""

RESOLVED_WIDTH = 18
"""Pixels of the detector's input. Plates of this width and more are found reliably."""

OVERLAP = 0.25
"""Share of a window that the next one repeats. A plate of this width is whole in one of them; the level before finds
larger plates."""

SMALLER_SCALES = (0.5, 0.25)
"""Scales, relative to the whole photo at the detector's input, for a photo in which nothing was found."""

_BORDER = 2.0  # pixels of the detector's input; a detection this near to an inner edge of a window may be cut


def detect_photo(detector: Detector, image: NDArray[np.uint8], observe: StageObserver | None = None) -> list[Detection]:
    """Returns the plates in a photo, uint8 of shape (H, W, 3), BGR; the best score first.

    ``observe`` is called with "detect" after each run of the detector.
    """
    with timed_stage("detect", observe):
        found = detector.detect(image)
    scale = detector.scale_of(image)
    level = 2.0
    while SMALLEST_WIDTH * scale * level / 2 < RESOLVED_WIDTH:
        for left, top, window in _windows(detector, image, scale * level):
            with timed_stage("detect", observe):
                inside = detector.detect(window)
            found += _in_photo(inside, window, left, top, image, _BORDER / (scale * level))
        level *= 2
    for smaller in SMALLER_SCALES:
        if not found:
            with timed_stage("detect", observe):
                found = detector.detect(image, scale * smaller)
    return found if level == 2.0 else _merged(found, detector.nms_iou)


def _windows(
    detector: Detector, image: NDArray[np.uint8], scale: float
) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Yields the overlapping windows of one level: left and top in pixels of the photo, and the pixels."""
    width, height = detector.window_size(scale)
    for top in _starts(image.shape[0], height):
        for left in _starts(image.shape[1], width):
            yield left, top, image[top : top + height, left : left + width]


def _starts(length: int, window: int) -> list[int]:
    """Returns the evenly spaced starts of windows that cover ``length`` and overlap by ``OVERLAP`` at least."""
    if length <= window:
        return [0]
    count = 1 + int(np.ceil((length - window) / (window * (1 - OVERLAP))))
    return [round(start) for start in np.linspace(0, length - window, count)]


def _in_photo(
    found: list[Detection], window: NDArray[np.uint8], left: int, top: int, image: NDArray[np.uint8], border: float
) -> list[Detection]:
    """Moves detections of a window to their place in the photo; drops those that an inner edge may cut."""
    height, width = window.shape[:2]
    low = np.array([-np.inf if left == 0 else border, -np.inf if top == 0 else border])
    high = np.array(
        [
            np.inf if left + width == image.shape[1] else width - border,
            np.inf if top + height == image.shape[0] else height - border,
        ]
    )
    moved = []
    for each in found:
        corners = each.quad.to_array()
        if (corners > low).all() and (corners < high).all():
            moved.append(Detection(Quad.from_array(corners + np.array([left, top], np.float32)), each.score))
    return moved


def _merged(found: list[Detection], max_iou: float) -> list[Detection]:
    """Returns one detection for each plate, the best score first."""
    if not found:
        return []
    ranked = sorted(found, key=lambda each: -each.score)
    quads = np.stack([each.quad.to_array() for each in ranked])
    return suppress_overlaps(quads, np.array([each.score for each in ranked], np.float32), max_iou)
