"""Detection at several scales, for photos that are much larger than the detector's input, or that one plate fills.

The detector sees a picture scaled to its input. In a photo of 12 megapixels a plate of 110 pixels is then 15 pixels
wide, too small to be found. So a large photo is also searched in overlapping windows, level by level up to the scale at
which the smallest plate is found reliably. A plate that fills the photo is larger than any that the detector has
learnt. So a photo without a detection is also searched at smaller scales.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge_lpr.geometry import Quad
from edge_lpr.vision.detector import Detection, Detector, suppress_overlaps
from edge_lpr.vision.timing import StageObserver, timed_stage

SMALLEST_WIDTH = 60
"""Pixels of the photo. Plates of this width and more are to be found."""

RESOLVED_WIDTH = 60
"""Pixels of the detector's input at which a plate is found reliably. Of 80 plates in frames, the shipped detector finds
21 at a width of 20 pixels, 66 at 28, 74 at 40 and 79 at 60. Two plates that touch each other also need it."""

LARGE_PHOTO = 1_500_000
"""Pixels from which a photo is searched in windows. Frames of 1280 x 720 are not."""

SHRUNK_WIDTH = 18
"""Pixels of the detector's input. Smaller photos are searched in windows if they are so long that a plate of
``SMALLEST_WIDTH`` is narrower there."""

MAX_PIXELS = 25_000_000
"""In a photo with more pixels, the finest scale is so much lower that it takes no more windows."""

OVERLAP = 0.25
"""Share of a window that the next one repeats, on both axes. It holds every plate that the level before may miss."""

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
    levels = window_scales(image.shape[1], image.shape[0], detector)
    for level in levels:
        for left, top, window in _windows(detector, image, level):
            with timed_stage("detect", observe):
                inside = detector.detect(window)
            found += _in_photo(inside, window, left, top, image, _BORDER / level)
    for smaller in SMALLER_SCALES:
        if not found:
            with timed_stage("detect", observe):
                found = detector.detect(image, scale * smaller)
    return _merged(found, detector.nms_iou) if levels else found


def window_scales(width: int, height: int, detector: Detector) -> list[float]:
    """Returns the scales at which a photo of ``width`` x ``height`` pixels is searched in windows, the lowest first.

    A plate that a level may miss is at most ``RESOLVED_WIDTH`` wide there, and must fit into the overlap of the windows
    of the next level. This bounds the step between two levels.
    """
    whole = min(detector.width / width, detector.height / height)
    if width * height < LARGE_PHOTO and SMALLEST_WIDTH * whole >= SHRUNK_WIDTH:
        return []
    finest = RESOLVED_WIDTH / SMALLEST_WIDTH * min(1.0, math.sqrt(MAX_PIXELS / (width * height)))
    count = math.ceil(math.log(finest / whole) / math.log(OVERLAP * detector.width / RESOLVED_WIDTH))
    return [whole * (finest / whole) ** (level / count) for level in range(1, count + 1)]


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
