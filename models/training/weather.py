"""What goes wrong with a training picture of a plate, all together: light, lens, movement, distance, codec."""

from __future__ import annotations

import cv2
import numpy as np

from models.training import degrade
from models.training.degrade import Image, Rng


def weather(image: Image, rng: Rng, rendered: bool) -> tuple[Image, bool]:
    """Degrade a straightened plate; also says whether its colour can still be told.

    Real pictures come with their own faults and get fewer new ones.
    """
    height, width = image.shape[:2]
    much = 1.0 if rendered else 0.6
    colored = True
    if rng.random() < 0.35 * much:
        image = degrade.shade(image, rng)
    if rng.random() < 0.12 * much:
        image = degrade.glare(image, rng)
    if rng.random() < 0.08 * much:
        image = degrade.rain(image, rng)
    if rng.random() < 0.03:
        image, colored = degrade.infrared(image, rng), False
    image = degrade.light(image, rng, much)
    if rng.random() < 0.12 * much:
        image = degrade.night(image, rng)
    # Through a smaller picture: what a far plate, and a steep one, has left. 1.0 is the full 160 x 64. Below a person's
    # reach only now and then: what cannot be read teaches no character, and its errors would drown the others'.
    smallest = 0.4 if not rendered else 0.36 if rng.random() < 0.85 else 0.24
    scale = np.exp(rng.uniform(np.log(smallest), 0.0))
    squeeze = np.exp(rng.normal(0, 0.18))
    small_width = int(np.clip(width * scale * squeeze, 34, width))
    small_height = int(np.clip(height * scale / squeeze * 0.85, 12, height))
    if rng.random() < 0.35 * much:
        image = degrade.motion_blur(image, rng, 4.0 + 5.0 * scale)
    if rng.random() < 0.45 * much:
        image = degrade.focus_blur(image, rng, 0.8 + 1.4 * scale)
    image = np.asarray(cv2.resize(image, (small_width, small_height), interpolation=cv2.INTER_AREA), np.uint8)
    if rng.random() < 0.6 * much:
        image = degrade.noise(image, rng, 0.8)
    if rng.random() < 0.2:
        image = degrade.sharpen(image, rng)
    if rng.random() < 0.5 * much:
        image = degrade.jpeg(image, rng)
    way = cv2.INTER_LINEAR if rng.random() < 0.6 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (width, height), interpolation=way), np.uint8), colored
