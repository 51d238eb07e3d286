"""Cuts of a canvas for one sample: for refinement, for reading, or of a part as in a later pass."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from edge_lpr.geometry import Quad
from edge_lpr.vision.crops import PlateCrop, half_crops, row_crops
from edge_lpr.vision.straighten import straighten
from models.training.arrays import Corners, Image, Rng
from models.training.augment.canvases import INNER, Canvas
from models.training.data.pool import FLAT_HEIGHT, FLAT_WIDTH
from models.training.geometry import UNIT_CORNERS
from models.training.networks.inputs import RECOGNIZER_INPUT

REFINE_MARGIN = (0.10, 0.22)
"""Shares of the plate's width and height that a cut for refinement shows beyond each edge."""
READ_MARGIN = 0.02
"""The same for reading."""
LOWER_ROW, TALLER, ASTRAY = 0.12, 0.12, 0.12
"""Shares of cuts for refinement with a gross error of the detector, which is rare but loses the number.

LOWER_ROW: of two-row plates, it framed the lower row alone. TALLER: of one-row plates, it framed an object above or
below as a second row. ASTRAY: one end is wrong; it includes an object beside the plate or leaves a character out."""
BESIDE, LEFT_OUT = (0.15, 0.9), (0.1, 0.6)
"""Distance of a wrong end beyond the plate's end, or short of it, in plate heights."""
LEAST_FRAMED = 0.25
"""Least share of the plate's height that is framed at either end."""
PARTS = (0.3, 0.45)
"""Shares of one-row and of two-row plates, cut for reading, of which only a part is shown, as in a later pass."""
FIRST_PART = 0.6
"""Share of these that show the part with the province."""
SEEN_BIAS, SEEN_SPREAD = -0.007, 0.014
"""Mean and standard deviation of the first pass's error in a character's middle, as shares of the width.

Measured on rendered one-row plates that were read right."""
OVERLOOKED = 0.08
"""Share of parts for which the first pass is assumed to have missed a character."""
UPPER_FOUND = 0.85
"""Share of parts of two rows for which it is assumed to have found the upper row's characters."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of corners: standard deviations in plate heights, as measured.

    ``grow`` moves opposite edges apart, ``shear`` the upper and lower edge along themselves, ``rotate`` the ends up and
    down. ``each`` is the error of a single corner.
    """

    shift: tuple[float, float]
    grow: tuple[float, float]
    shear: float
    rotate: float
    each: float

    def draw(self, rng: Rng, much: float) -> Corners:
        """Draws the errors of the four corners: (4, 2), in plate heights. ``much`` is a factor on all but ``each``."""
        grow, shear, rotate = rng.normal(0, self.grow), rng.normal(0, self.shear), rng.normal(0, self.rotate)
        common = rng.normal(0, self.shift)
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
        own = signs * grow + np.stack([-signs[:, 1] * shear, signs[:, 0] * rotate], axis=1)
        return np.asarray(much * (own + common) + rng.normal(0, self.each, (4, 2)), np.float32)


DETECTED = Errors(shift=(0.09, 0.05), grow=(0.09, 0.055), shear=0.09, rotate=0.05, each=0.02)
REFINED = Errors(shift=(0.035, 0.02), grow=(0.04, 0.03), shear=0.045, rotate=0.02, each=0.015)
CROPPED = Errors(shift=(0.03, 0.02), grow=(0.04, 0.02), shear=0.02, rotate=0.015, each=0.015)


def aim(canvas: Canvas, rng: Rng, refine: bool) -> Corners:
    """Draws the corners (4, 2) on the canvas to cut at.

    They have the detector's errors for refinement, and the errors that are left after it for reading.
    """
    errors = DETECTED if refine else CROPPED if canvas.tight else REFINED
    margin = np.array(REFINE_MARGIN if refine else (0.0, 0.0) if canvas.tight else (READ_MARGIN, READ_MARGIN))
    much = float(rng.choice((0.6, 1.2, 2.2), p=(0.4, 0.42, 0.18)))
    height = np.array([FLAT_WIDTH / (440 / 140), FLAT_HEIGHT])  # of a plate, in the canvas's pixels of each axis
    center = INNER.mean(axis=0)
    corners = INNER + errors.draw(rng, much) * height
    if refine and canvas.rows == 1 and rng.random() < LOWER_ROW:
        lowest = corners[[3, 2], 1] - LEAST_FRAMED * FLAT_HEIGHT
        corners[:2, 1] = np.minimum(corners[:2, 1] + rng.uniform(0.1, 0.55) * FLAT_HEIGHT, lowest)
    elif refine and canvas.rows == 0 and rng.random() < TALLER:
        edge = slice(0, 2) if rng.random() < 0.7 else slice(2, 4)
        corners[edge, 1] += (1 if edge.start else -1) * rng.uniform(0.2, 0.8) * FLAT_HEIGHT
    if refine and rng.random() < ASTRAY:
        end, outwards = ([0, 3], -1) if rng.random() < 0.5 else ([1, 2], 1)
        off = rng.uniform(*BESIDE) if rng.random() < 0.6 else -rng.uniform(*LEFT_OUT)
        corners[end, 0] += outwards * off * height[0] * (0.5 if canvas.rows == 1 else 1.0)
    corners = (corners - center) * (1 + 2 * margin) + center
    if not refine and rng.random() < 0.08:  # far too loose, as crops of other programs
        corners = (corners - center) * (1 + rng.uniform(0.04, 0.13, 2)) + center
    elif not refine and rng.random() < 0.1:  # or too tight at one end
        end = [0, 3] if rng.random() < 0.5 else [1, 2]
        inwards = 1 if end[0] == 0 else -1
        corners[end, 0] += inwards * rng.uniform(0.0, 0.05) * FLAT_WIDTH
    return np.asarray(corners, np.float32)


def shown_part(canvas: Canvas, corners: Corners, rng: Rng) -> tuple[Canvas, Corners, PlateCrop]:
    """Draws one of the two parts that a later pass reads, of a plate that is cut at ``corners``.

    Returns the canvas with the part's text, in one row; the corners to cut at; and the part.
    """
    assert canvas.boxes is not None
    middles = INNER[0] + (canvas.boxes[:, :2] + canvas.boxes[:, 2:]) / 2 * (FLAT_WIDTH, FLAT_HEIGHT)
    seen = cv2.perspectiveTransform(
        middles[None].astype(np.float32), cv2.getPerspectiveTransform(corners, UNIT_CORNERS)
    )[0]
    columns: list[float] = (seen[:, 0] + rng.normal(SEEN_BIAS, SEEN_SPREAD, len(seen))).tolist()
    first = rng.random() < FIRST_PART
    if canvas.upper:
        at = canvas.upper
        parts = row_crops(columns[:at] if rng.random() < UPPER_FOUND else [])
    else:
        overlooked = int(rng.integers(len(columns))) if rng.random() < OVERLOOKED else -1
        parts = half_crops([column for place, column in enumerate(columns) if place != overlooked])
        at = int((seen[:, 0] < parts[0].right).sum())
    part, number = (parts[0], canvas.number[:at]) if first else (parts[1], canvas.number[at:])
    whole = cv2.getPerspectiveTransform(UNIT_CORNERS, corners)
    cut_at = cv2.perspectiveTransform(part.corners()[None], whole)[0]
    return replace(canvas, number=number, rows=0, upper=0), np.asarray(cut_at, np.float32), part


def cut(canvas: Canvas, corners: Corners) -> tuple[Image, Corners]:
    """Returns the recognizer's input between ``corners`` of a canvas, and the plate's corners in it, pixels."""
    height, width = RECOGNIZER_INPUT
    matrix = cv2.getPerspectiveTransform(corners, UNIT_CORNERS * np.array((width, height), np.float32))
    plate = cv2.perspectiveTransform(INNER[None], matrix)[0]
    return straighten(canvas.image, Quad.from_array(corners), width, height), np.asarray(plate, np.float32)


def closely(canvas: Canvas) -> Corners:
    """The corners to cut at for reading when nothing errs."""
    margin = 0.0 if canvas.tight else READ_MARGIN
    center = INNER.mean(axis=0)
    return np.asarray((INNER - center) * (1 + 2 * margin) + center, np.float32)
