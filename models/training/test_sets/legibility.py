"""The rule of the rendered test set for plates that a person can read.

* A one-row plate is at least 70 pixels wide in the finished scene, a two-row plate 60.
* The smallest character is at least 13 pixels high, so that two-row plates and 武警 plates are wider than that. The
  median character is at least 6.5 pixels wide, at any angle.
* The blur of pasting the plate is at most 1/14 of the smallest character's size, and 1/22 if the scene is blurred as
  well. The size is the height, or twice the width if that is less. A photo must show the plate large enough for that.
* Around each character there are at least 30 grey levels between the darkest and the brightest tenth of the pixels,
  after noise is smoothed.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Corners, Image
from models.training.synthesis import RenderedPlate
from models.training.test_sets.conditions import size_of

ONE_ROW_WIDTH, TWO_ROW_WIDTH = 70.0, 60.0
CHARACTER_HEIGHT, CHARACTER_WIDTH = 13.0, 6.5
CONTRAST = 30.0
SWAP_BLUR = 1.3
"""The most that ``plate_swap.paste_plate`` blurs: sigma in pixels of the photo."""
SHARP_SHARE, BLURRED_SHARE = 1 / 14, 1 / 22


def character_height(plate: RenderedPlate, corners: Corners) -> float:
    """Returns the least height of a character in pixels, for ``plate`` at ``corners`` (4, 2)."""
    share = min(bottom - top for _, top, _, bottom in plate.boxes) / plate.image.shape[0]
    return float(share * size_of(corners)[1])


def character_width(plate: RenderedPlate, corners: Corners) -> float:
    """Returns the median width of the characters in pixels, for ``plate`` at ``corners`` (4, 2)."""
    share = np.median([right - left for left, _, right, _ in plate.boxes]) / plate.image.shape[1]
    return float(share * size_of(corners)[0])


def character_size(plate: RenderedPlate, corners: Corners) -> float:
    """Returns the size that limits blur: the smallest character's height, or twice the width if that is less."""
    return min(character_height(plate, corners), 2 * character_width(plate, corners))


def smallest_scale(plate: RenderedPlate, corners: Corners) -> float:
    """Returns the least scale of a photo with ``plate`` at ``corners``."""
    least = TWO_ROW_WIDTH if plate.rows == 2 else ONE_ROW_WIDTH
    return max(
        least / size_of(corners)[0],
        CHARACTER_HEIGHT / character_height(plate, corners),
        CHARACTER_WIDTH / character_width(plate, corners),
    )


def is_sharp_enough(plate: RenderedPlate, corners: Corners, condition: str) -> bool:
    """Whether the photo, before scaling, shows ``plate`` large enough for the blur of pasting it."""
    share = BLURRED_SHARE if condition == "blur" else SHARP_SHARE
    return share * character_size(plate, corners) >= SWAP_BLUR


def has_contrast(plate: RenderedPlate, scene: Image, corners: Corners) -> bool:
    """Whether each character has enough contrast with its ground in the finished ``scene``."""
    grey = cv2.blur(cv2.cvtColor(scene, cv2.COLOR_BGR2GRAY), (2, 2))
    height, width = plate.image.shape[:2]
    outline = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(outline, corners)
    for left, top, right, bottom in plate.boxes:
        aside = 0.12 * (bottom - top)  # the ground beside a 1, whose box is all ink
        low, high = left - aside, right + aside
        box = np.array([[[low, top], [high, top], [high, bottom], [low, bottom]]], np.float32)
        x, y, w, h = cv2.boundingRect(cv2.perspectiveTransform(box, matrix))
        patch = grey[max(0, y) : y + h, max(0, x) : x + w]
        if patch.size == 0 or float(np.ptp(np.percentile(patch, (10, 90)))) < CONTRAST:
            return False
    return True
