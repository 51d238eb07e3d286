"""The mix of degradations of a recognizer sample: light, lens, movement, distance, codec."""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Image, Rng
from models.training.augment import degrade

SMALLEST_CHARACTER = 12.0
"""Least height of a character that a person can still read, pixels."""
WITHIN_REACH = 0.85
"""Share of pictures whose characters are at least so high."""
MILD_SHARE, MILD = 0.5, 0.45
"""Share of pictures with fewer degradations, and the factor on the probability and strength of each.

With all degradations at once a fifth of the pictures cannot be read. These pictures mostly have one, as a photo of a
gate has."""
MOST_MOTION_BLUR, MOST_FOCUS_BLUR = 0.2, 0.075
"""Length and sigma of the blur, as shares of the smallest character's height."""


def degraded(image: Image, rng: Rng, rendered: bool, aspect: float, character: float) -> tuple[Image, bool]:
    """Degrades a straightened plate, or a part of one. Returns it and whether its colour is still visible.

    ``aspect`` is the true width by height of ``image``, ``character`` the height of its smallest character as a share
    of the picture's. They limit how small and how blurred the picture gets, so that most stay readable. Real pictures
    are degraded already: without ``rendered`` the degradations are fewer.
    """
    height, width = image.shape[:2]
    much = (1.0 if rendered else 0.6) * (MILD if rng.random() < MILD_SHARE else 1.0)
    colored = True
    if rng.random() < 0.35 * much:
        image = degrade.shade(image, rng)
    if rng.random() < 0.12 * much:
        image = degrade.glare(image, rng)
    if rng.random() < 0.08 * much:
        image = degrade.rain(image, rng)
    if rng.random() < 0.1 * much:
        image = degrade.reflection(image, rng)
    if rng.random() < 0.05:
        image, colored = degrade.infrared(image, rng), False
    image = degrade.light(image, rng, much)
    if rng.random() < 0.12 * much:
        image = degrade.night(image, rng)
    elif rng.random() < 0.08 * much:
        image = degrade.overexposed(image, rng)
    # The size of a distant plate in a camera's picture. Unreadable sizes are rare: they teach no character, and their
    # losses would exceed the others'.
    least = SMALLEST_CHARACTER if rng.random() < WITHIN_REACH else 0.67 * SMALLEST_CHARACTER
    small = float(np.exp(rng.uniform(np.log(least / character), np.log(max(height, width / aspect)))))
    squeeze = np.exp(rng.normal(0, 0.18))
    small_width = int(np.clip(small * aspect * squeeze, 16, width))
    small_height = int(np.clip(small / squeeze, 12, height))
    image = np.asarray(cv2.resize(image, (small_width, small_height), interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.35 * much:
        image = degrade.motion_blur(image, rng, MOST_MOTION_BLUR * character * small)
    if rng.random() < 0.45 * much:
        image = degrade.focus_blur(image, rng, MOST_FOCUS_BLUR * character * small)
    if rng.random() < 0.6 * much:
        image = degrade.noise(image, rng, 0.8)
    if rng.random() < 0.2:
        image = degrade.sharpen(image, rng)
    if rng.random() < 0.5 * much:
        image = degrade.jpeg(image, rng)
    way = cv2.INTER_LINEAR if rng.random() < 0.6 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8), colored
