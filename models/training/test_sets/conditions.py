"""The conditions of the rendered test set. Each is limited so that a person can still read the plate.

The limit of blur is a share of the smallest character's size, because its strokes have that size's proportions.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Corners, Image, Rng
from models.training.augment import degrade

CONDITIONS = ("day", "night", "blur", "tilt", "dirt", "small")

MOST_FOCUS_BLUR = 0.06
"""Sigma, as a share of the smallest character's size (``legibility.character_size``)."""
MOST_MOTION_BLUR = 0.13
"""Length, as a share of the same size."""
INFRARED_SHARE = 0.2
"""Share of night pictures in infrared; their colour is not labelled."""


def size_of(corners: Corners) -> tuple[float, float]:
    """Returns the mean length of the upper and lower edge, and of the left and right edge, pixels."""
    top, bottom = corners[1] - corners[0], corners[2] - corners[3]
    left, right = corners[3] - corners[0], corners[2] - corners[1]
    norms = [float(np.linalg.norm(edge)) for edge in (top, bottom, left, right)]
    return (norms[0] + norms[1]) / 2, (norms[2] + norms[3]) / 2


def photographed(image: Image, condition: str, character: float, rng: Rng) -> tuple[Image, bool]:
    """Returns the scene as a camera takes it under ``condition``, and whether colours are visible.

    ``character`` is the size of the plate's smallest character, pixels.
    """
    colored = True
    if condition == "night":
        image, colored = _night(image, rng)
    else:
        image = degrade.light(image, rng, 0.5)
        if rng.random() < 0.25:
            image = degrade.shade(image, rng)
    if condition == "blur":
        image = _blurred(image, character, rng)
    if rng.random() < 0.3:
        image = degrade.noise(image, rng, 0.3)
    return image, colored


def tilted(image: Image, corners: Corners, rng: Rng) -> tuple[Image, Corners]:
    """Returns the scene of a camera mounted askew: turned, sheared and narrowed about the plate, with its corners."""
    angle = np.deg2rad(rng.uniform(6, 18) * rng.choice((-1, 1)))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1, rng.uniform(-0.2, 0.2)], [rng.uniform(-0.08, 0.08), 1]])
    linear = linear @ np.diag([rng.uniform(0.75, 1.0), 1.0])
    center = corners.mean(axis=0)
    matrix = np.hstack([linear, (center - linear @ center)[:, None]])
    warp = matrix.copy()  # corners count from the outer edge of the first pixel, OpenCV from its centre
    warp[:, 2] += linear.sum(axis=1) / 2 - 0.5
    height, width = image.shape[:2]
    seen = cv2.warpAffine(image, warp, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8), (corners @ linear.T + matrix[:, 2]).astype(np.float32)


def dirty(plate: Image, rng: Rng) -> Image:
    """Returns ``plate`` with a cloudy film of dust, thicker at one side, and splashes smaller than a stroke is long."""
    height, width = plate.shape[:2]
    tone = np.array([(95, 120, 140), (70, 85, 100), (150, 165, 175)][int(rng.integers(3))], np.float32)
    clouds = cv2.resize(rng.random((4, 9)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    slope = np.linspace(0.4, 1.0, height, dtype=np.float32)[:: int(rng.choice((-1, 1))), None]
    cover = np.clip(clouds * slope, 0, 1) * rng.uniform(0.3, 0.6)
    splashes = np.zeros((height, width), np.float32)
    for _ in range(int(rng.integers(6, 24))):
        center = (int(rng.uniform(0, width)), int(height * (1 - rng.beta(1, 1.6))))
        radius = max(1, round(height * rng.uniform(0.008, 0.028)))
        cv2.circle(splashes, center, radius, float(rng.uniform(0.5, 0.9)), -1, cv2.LINE_AA)
    cover = np.maximum(cover, splashes)[..., None]
    return np.asarray(plate * (1 - cover) + tone * cover, np.uint8)


def _night(image: Image, rng: Rng) -> tuple[Image, bool]:
    """Makes the picture dark and a little noisy, some with a lamp's light, some in infrared."""
    colored = rng.random() >= INFRARED_SHARE
    if not colored:
        image = degrade.infrared(image, rng)
    image = np.asarray(cv2.convertScaleAbs(image, alpha=rng.uniform(0.35, 0.65), beta=rng.uniform(0, 14)), np.uint8)
    if rng.random() < 0.3:
        image = degrade.glare(image, rng)
    return degrade.noise(image, rng, 0.4), bool(colored)


def _blurred(image: Image, character: float, rng: Rng) -> Image:
    if rng.random() < 0.5:
        sigma = MOST_FOCUS_BLUR * character
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 1.0) * sigma), np.uint8)
    longest = MOST_MOTION_BLUR * character
    return degrade.motion_blur(image, rng, longest)
