"""Lorries' rears in training windows: the number painted across the doors, above the rear plate."""

from __future__ import annotations

import cv2
import numpy as np

from models.training.arrays import Rng
from models.training.augment import degrade
from models.training.augment.plate_swap import paste_plate
from models.training.data.windows import MAX_PLATES, NARROWEST, Window, linear_part
from models.training.geometry import box_corners, overlap
from models.training.synthesis.tailgate import Tailgate


def add_tailgate(window: Window, tailgate: Tailgate, rng: Rng) -> None:
    """Draws a lorry's rear over the middle of ``window``.

    Plates of the photo that it covers are ignored from then on. Its own plates are ignored where they are cut off.
    """
    height, width = tailgate.image.shape[:2]
    outline = box_corners((0, 0, width, height))
    size = np.array(window.image.shape[1::-1])
    scale = rng.uniform(0.5, 1.15) * min(size[0] / width, 1.2 * size[1] / height)
    turned = (outline - outline.mean(axis=0)) @ linear_part(rng, scale)[:, :2].T + size * rng.uniform(0.35, 0.65, 2)
    turned = (turned + rng.normal(0, 0.02, (4, 2)) * width * scale).astype(np.float32)
    window.ignore += [plate for plate in window.plates if overlap(plate, turned)]
    window.plates = [plate for plate in window.plates if not overlap(plate, turned)]
    opaque = np.full((height, width), 255, np.uint8)
    paste_plate(window.image, np.dstack([degrade.light(tailgate.image, rng, 0.7), opaque]), turned, rng)
    matrix = cv2.getPerspectiveTransform(outline, turned)
    for plate in tailgate.plates:
        corners = np.asarray(cv2.perspectiveTransform(plate[None], matrix)[0], np.float32)
        is_whole = bool(np.all((corners > -0.05 * size) & (corners < 1.05 * size)))
        is_wide = float(np.linalg.norm(corners[1] - corners[0])) >= NARROWEST
        (window.plates if is_whole and is_wide else window.ignore).append(corners)
    del window.plates[MAX_PLATES:], window.ignore[MAX_PLATES:]
