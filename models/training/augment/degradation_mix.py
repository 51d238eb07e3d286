"""What goes wrong with a training picture of a plate, all together: light, lens, movement, distance, codec."""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Image, Rng
from models.training.augment import degrade

SMALLEST_CHARACTER = 12.0
"""Height in pixels of the smallest character that a person can still read."""
WITHIN_REACH = 0.85
"""Share of pictures that keep to it."""
MILD_SHARE, MILD = 0.5, 0.45
"""Share of pictures with fewer faults, and how often each comes and how strong it is then. Under all of them at once a
fifth of the pictures is past reading; these have mostly one, as a photo of a gate has."""
MOST_MOTION_BLUR, MOST_FOCUS_BLUR = 0.2, 0.075
"""Length and sigma, as shares of that character's height."""


def weather(image: Image, rng: Rng, rendered: bool, aspect: float, character: float) -> tuple[Image, bool]:
    """Degrade a straightened plate, or a part of one; also says whether its colour can still be told.

    ``aspect`` is the true width by height of what ``image`` shows, ``character`` the height of its smallest character
    as a share of it: these say how small it may get, and how blurred, before nobody can read it. Real pictures come
    with their own faults and get fewer new ones.
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
    # Through the picture that a camera takes of it, small where the plate is far. Below a person's reach only now and
    # then: what cannot be read teaches no character, and its errors would drown the others'.
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
