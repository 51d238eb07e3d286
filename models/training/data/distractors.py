"""Distractors: what a detector takes for a plate or for a part of one. They are drawn into the training windows."""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Corners, Rng
from models.training.augment import degrade
from models.training.augment.plate_swap import paste_plate
from models.training.data.windows import Window, anywhere
from models.training.geometry import UNIT_CORNERS, box_corners, overlap
from models.training.synthesis.signs import SignPainter

_SIGN_GROUNDS = ((160, 60, 20), (40, 190, 230), (60, 160, 40), (230, 230, 230), (20, 20, 20))
"""BGR: the ground colours of plates."""
_TIMESTAMP_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN)


NEIGHBOR_PLATES = 0.5
"""Share of neighbours above or below a plate that are a plate of another country, as on cross-border cars."""


def add_neighbor(window: Window, corners: Corners, signs: SignPainter, rng: Rng) -> None:
    """Draws something right beside the plate at ``corners``.

    Above or below it that is lettering, placed as a second row would be, or another country's plate. At its ends it is
    bright, dark or lettered.
    The detector so learns that the plate ends where the number ends.
    """
    side = int(rng.integers(4))
    is_level = side % 2 == 0  # above or below
    is_plate = is_level and rng.random() < NEIGHBOR_PLATES
    if is_level:
        start = rng.uniform(-0.1, 0.5)
        across = (start, start + rng.uniform(0.4, 0.9))
        near, far = -rng.uniform(0.04, 0.3), -rng.uniform(0.5, 1.1)
        if is_plate:
            across, near = (rng.uniform(-0.2, 0.1), rng.uniform(0.85, 1.2)), -rng.uniform(0, 0.12)
        down = (far, near) if side == 0 else (1 - near, 1 - far)
    else:
        near, far = -rng.uniform(0.01, 0.06), -rng.uniform(0.12, 0.35)
        across = (far, near) if side == 3 else (1 - near, 1 - far)
        down = (rng.uniform(-0.15, 0.15), rng.uniform(0.85, 1.15))
    box = np.array([[across[0], down[0]], [across[1], down[0]], [across[1], down[1]], [across[0], down[1]]], np.float32)
    place = cv2.perspectiveTransform(box[None], cv2.getPerspectiveTransform(UNIT_CORNERS, corners))[0]
    if any(overlap(place, other) for other in window.plates if other is not corners):
        return
    if is_level or rng.random() < 0.4:
        sign = signs.foreign(rng)[0] if is_plate else signs.draw(rng)
    else:
        tone = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.full(3, rng.choice((int(rng.integers(50)), 255)))
        sign = np.broadcast_to(tone.astype(np.uint8), (24, 24, 3)).copy()
    alpha = np.full((*sign.shape[:2], 1), 255, np.uint8)
    if is_level and not is_plate and rng.random() < 0.5:  # letters alone, on the car's own sheet
        ground = sign.reshape(-1, 3)[0].astype(np.int16)
        alpha = np.where(np.abs(sign.astype(np.int16) - ground).sum(-1, keepdims=True) > 90, 255, 0).astype(np.uint8)
    paste_plate(window.image, np.concatenate([sign, alpha], axis=-1), place.astype(np.float32), rng)


def add_signs(window: Window, signs: SignPainter, rng: Rng) -> None:
    """Draws one to three signs of a plate's size and proportions, beside the plates."""
    for _ in range(int(rng.integers(1, 4))):
        sign = signs.draw(rng)
        alpha = np.full((*sign.shape[:2], 1), 255, np.uint8)
        flat = np.concatenate([degrade.light(sign, rng, 0.7), alpha], axis=-1)
        corners = anywhere(window, sign.shape[1] / sign.shape[0], rng)
        if not window.covers_plate(corners):
            paste_plate(window.image, flat, corners, rng)


def add_overlays(window: Window, rng: Rng) -> None:
    """Draws one to three timestamps, empty signs in plate colours, or rectangles as other programs draw them."""
    height, width = window.image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        color = tuple(int(c) for c in rng.integers(0, 256, 3))
        x, y = int(rng.integers(width)), int(rng.integers(height))
        choice = rng.random()
        if choice < 0.5:
            _write_timestamp(window, x, y, color, rng)
        elif choice < 0.75:
            w = rng.uniform(20, 160)
            box = box_corners((x, y, w, w / rng.uniform(1.5, 4)))
            if not window.covers_plate(box):
                cv2.fillConvexPoly(window.image, box.astype(np.int32), _SIGN_GROUNDS[int(rng.integers(5))], cv2.LINE_AA)
        else:  # may lie around anything, plates included
            w = int(rng.uniform(20, 200))
            cv2.rectangle(window.image, (x, y), (x + w, y + int(w * rng.uniform(0.3, 1))), color, 1)


def _write_timestamp(window: Window, x: int, y: int, color: tuple[int, ...], rng: Rng) -> None:
    """Writes a date and time, or random characters, with the lower left corner at ``x``, ``y``."""
    text = "".join(rng.choice(list("0123456789-:/ ABCDEFX.")) for _ in range(int(rng.integers(5, 20))))
    if rng.random() < 0.5:
        year, month, day, minute = (int(rng.integers(*r)) for r in ((10, 30), (1, 13), (1, 29), (0, 60)))
        text = f"20{year}-{month:02}-{day:02} 12:{minute:02}"
    scale = rng.uniform(0.3, 0.9)
    box = box_corners((x, y - 24 * scale, 20 * scale * len(text), 32 * scale))
    if not window.covers_plate(box):
        font = int(rng.choice(_TIMESTAMP_FONTS))
        cv2.putText(window.image, text, (x, y), font, scale, color, int(rng.integers(1, 3)), cv2.LINE_AA)
