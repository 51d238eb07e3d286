"""Windows of photos: what the detector's training samples are cut from.

A window is a photo turned, sheared and scaled at random, cut to the size of one sample.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Corners, Image, Rng
from models.training.geometry import box_corners, overlap

NARROWEST, WIDEST = 15.0, 480.0
"""Plate widths at network scale, pixels."""
MAX_PLATES = 8
"""Most plates, and most ignored areas, of a window."""
GREY = (114, 114, 114)
"""BGR of what lies outside the photo, in half of the windows; the other half mirror the photo there."""


@dataclass(slots=True)
class Window:
    """A window with the corners (4, 2) of its plates and of the areas to ignore, in pixels of ``image``.

    Nothing is learnt in an ignored area, because it may hold a plate that is not labelled.
    """

    image: Image
    plates: list[Corners] = field(default_factory=list)
    ignore: list[Corners] = field(default_factory=list)

    def covers_plate(self, corners: Corners) -> bool:
        """Whether the box around ``corners`` touches a plate of the window."""
        return any(overlap(corners, plate) for plate in self.plates)


def view(photo: Image, plates: list[Corners], ignore: list[Corners], rng: Rng, height: int, width: int) -> Window:
    """Cuts a window of ``height`` x ``width`` from ``photo``; 93 % are centred near a plate, if there is one."""
    rows, columns = photo.shape[:2]
    scale, focus = _scale_and_focus((columns, rows), plates, rng, height, width)
    matrix = linear_part(rng, scale)
    placed = matrix[:, :2] @ focus + matrix[:, 2]
    goal = rng.uniform((0.2 * width, 0.2 * height), (0.8 * width, 0.8 * height))
    matrix[:, 2] += goal - placed
    if scale < 0.5:  # a warp alone would alias
        photo = np.asarray(cv2.blur(photo, (round(0.9 / scale), round(0.9 / scale))), np.uint8)
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REFLECT
    # Corners count from the outer edge of the first pixel, as in the runtime's letterbox; OpenCV from its centre.
    warp = matrix.copy()
    warp[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    image = cv2.warpAffine(photo, warp, (width, height), borderMode=border, borderValue=GREY)
    window = Window(np.asarray(image, np.uint8))
    _place(window, plates, ignore, matrix)
    if border == cv2.BORDER_REFLECT:  # a mirrored plate in the border is neither a plate nor background
        _ignore_border(window, matrix, rows, columns)
    return window


def anywhere(window: Window, aspect: float, rng: Rng, close: bool = False) -> Corners:
    """Corners (4, 2) for a flat object of ``aspect`` (width by height), at a random position, size and angle.

    ``close`` makes it fill most of the window.
    """
    height, width = window.image.shape[:2]
    own_width = np.exp(rng.uniform(np.log(24), np.log(min(width * 0.7, 300))))
    size = np.array([own_width, own_width / aspect * rng.uniform(0.9, 1.3)])
    center = rng.uniform((0.1 * width, 0.1 * height), (0.9 * width, 0.9 * height))
    if close:
        size *= rng.uniform(0.5, 1.05) * min(width, 0.95 * height * aspect) / own_width
        center = np.array([width, height]) * (0.5 + rng.normal(0, 0.06, 2))
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) + rng.normal(0, 0.03, (4, 2))
    angle = rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((unit * size) @ turn.T + center, np.float32)


def _scale_and_focus(
    size: tuple[int, int], plates: list[Corners], rng: Rng, height: int, width: int
) -> tuple[float, NDArray[np.float64]]:
    """Draws the scale of a photo of ``size`` (width, height), and the point (2,) of it near the window's middle."""
    columns, rows = size
    fit = min(width / columns, height / rows)
    middle = np.array([columns / 2, rows / 2])
    if not plates or rng.random() >= 0.93:
        scale = float(fit * np.exp(rng.uniform(-0.3, 1.2)))
        return scale, rng.uniform((0, 0), (columns, rows))
    plate = plates[int(rng.integers(len(plates)))]
    focus = plate.mean(axis=0)
    plate_width = float(np.linalg.norm(plate[1] - plate[0]))
    if rng.random() < 0.35:  # the whole photo, as the device receives it
        return fit * rng.uniform(0.85, 1.15), focus * 0.3 + middle * 0.7
    widest = min(WIDEST, 0.9 * width)
    scale = np.exp(rng.uniform(np.log(NARROWEST), np.log(widest))) / plate_width
    return float(np.clip(scale, 0.75 * fit, 3.0)), focus


def linear_part(rng: Rng, scale: float) -> NDArray[np.float64]:
    """Draws a 2 x 3 matrix that turns, shears and foreshortens about the origin.

    Most are mild; 35 % are as strong as from a badly placed camera.
    """
    steep = rng.random() < 0.35
    angle = np.deg2rad(rng.uniform(-24, 24) if steep else rng.normal(0, 4))
    shear_x, shear_y = rng.normal(0, 0.16 if steep else 0.04, 2)
    narrow = rng.uniform(0.5, 1.1) if steep else np.exp(rng.normal(0, 0.07))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1, shear_x], [shear_y, 1]]) @ np.diag([narrow, np.exp(rng.normal(0, 0.07))])
    return np.hstack([scale * linear, np.zeros((2, 1))])


def _place(window: Window, plates: list[Corners], ignore: list[Corners], matrix: NDArray[np.float64]) -> None:
    """Adds the photo's ``plates`` and ``ignore`` areas to the window; a plate that is cut or tiny is ignored."""
    height, width = window.image.shape[:2]
    for corners, kept in [(p, window.plates) for p in plates] + [(b, window.ignore) for b in ignore]:
        moved = (corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        low, high = moved.min(axis=0), moved.max(axis=0)
        inside = np.clip(np.minimum(high, (width, height)) - np.maximum(low, 0), 0, None)
        share = float(inside.prod() / max((high - low).prod(), 1))
        if share <= 0:
            continue
        too_small = np.linalg.norm(moved[1] - moved[0]) < NARROWEST * 0.9
        target = window.ignore if share < 0.85 or too_small else kept
        if len(target) < MAX_PLATES:
            target.append(moved)


def _ignore_border(window: Window, matrix: NDArray[np.float64], rows: int, columns: int) -> None:
    """Ignores the strips of the window that lie outside the photo of ``rows`` x ``columns`` pixels."""
    height, width = window.image.shape[:2]
    outline = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
    low = (outline @ matrix[:, :2].T + matrix[:, 2]).min(axis=0)
    high = (outline @ matrix[:, :2].T + matrix[:, 2]).max(axis=0)
    strips = [
        (0, 0, low[0], height),
        (high[0], 0, width - high[0], height),
        (0, 0, width, low[1]),
        (0, high[1], width, height - high[1]),
    ]
    for strip in strips:
        if strip[2] > 0 and strip[3] > 0 and len(window.ignore) < MAX_PLATES:
            window.ignore.append(box_corners(strip))
