"""The visible edges of a plate with a blue ground: the outline of the ground, fitted with four straight lines.

The plate's ground is scanned outwards from within its edges. Where its colour ends is a point of the outline.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Corners, Image

WIDTH, HEIGHT, MARGIN = 440, 140, 50
"""Size of the plate in the straightened view, and the margin around it: one pixel a millimetre."""
LEAST_CHROMA, MOST_YELLOW = 14.0, 118.0
"""A ground is blue enough with at least this distance from grey, and at most this b, in CIELAB as OpenCV scales it."""
FOUND, ON_LINE = 0.6, 0.6
"""Least shares of the scans of an edge that must find its end, and that must lie on its line."""

_OWN = np.array([[0, 0], [WIDTH, 0], [WIDTH, HEIGHT], [0, HEIGHT]], np.float32) + MARGIN
_OUTWARDS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
_INSIDE = 14  # pixels from the edge inwards, where a scan starts: between the edge and the characters
_RUN = 8  # pixels without the ground's colour that are its end, not a scratch

Line = NDArray[np.float64]
"""(a, b) of y = a + b x, or of x = a + b y."""


def outline(image: Image, about: Corners) -> Corners | None:
    """Returns the corners of the coloured ground of the plate near ``about``, pixels of ``image``.

    None where the edges cannot be found.
    """
    matrix = cv2.getPerspectiveTransform(about - np.float32(0.5), _OWN - np.float32(0.5))
    size = (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN)
    view = cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    tint = _tint(np.asarray(view, np.uint8))
    if tint is None:
        return None
    first, last_y, last_x = MARGIN + _INSIDE, MARGIN + HEIGHT - 1 - _INSIDE, MARGIN + WIDTH - 1 - _INSIDE
    xs, ys = np.arange(MARGIN + 20, MARGIN + WIDTH - 20, 4), np.arange(first, last_y, 2)
    lines = [
        _line(xs, np.array([first - _end(tint[first::-1, x]) for x in xs])),
        _line(ys, np.array([last_x + _end(tint[y, last_x:]) for y in ys])),
        _line(xs, np.array([last_y + _end(tint[last_y:, x]) for x in xs])),
        _line(ys, np.array([first - _end(tint[y, first::-1]) for y in ys])),
    ]
    top, right, bottom, left = lines
    if top is None or right is None or bottom is None or left is None:
        return None
    crossings = [_cross(top, left), _cross(top, right), _cross(bottom, right), _cross(bottom, left)]
    found = cv2.perspectiveTransform(np.array([crossings], np.float32), np.linalg.inv(matrix))[0] + np.float32(0.5)
    return np.asarray(found, np.float32)


def shape_error(corners: Corners, edges: Corners) -> float:
    """Returns the mean distance of ``corners`` from ``edges``, as a share of the height.

    ``edges`` may be grown or shrunk to fit best, because the ground ends a rim inside the plate's edge. What is left
    is error of shape and position.
    """
    matrix = cv2.getPerspectiveTransform(edges, _OWN)
    flat = cv2.perspectiveTransform(corners[None].astype(np.float32), matrix)[0]
    grown = (_OWN + _OUTWARDS * np.float32(amount) for amount in np.arange(-12, 30, 0.25))
    return float(min(np.linalg.norm(flat - edge, axis=1).mean() for edge in grown) / HEIGHT)


def _tint(view: Image) -> NDArray[np.float32] | None:
    """Returns each pixel's share of the ground's colour: 1 on the ground, 0 on grey; None without a blue ground."""
    chroma = cv2.cvtColor(view, cv2.COLOR_BGR2LAB).astype(np.float32)[..., 1:] - 128
    inner = chroma[MARGIN + 10 : MARGIN + HEIGHT - 10, MARGIN + 10 : MARGIN + WIDTH - 10].reshape(-1, 2)
    ground = np.median(inner[inner[:, 1] <= np.median(inner[:, 1])], axis=0)  # the bluer half holds no characters
    strength = float(np.linalg.norm(ground))
    if strength < LEAST_CHROMA or ground[1] + 128 > MOST_YELLOW:
        return None
    return np.asarray(cv2.GaussianBlur(chroma @ ground / strength**2, (0, 0), 1.0), np.float32)


def _end(scan: NDArray[np.float32]) -> float:
    """Returns the pixels along ``scan``, which starts on the ground, to the ground's end; NaN where there is none."""
    off = scan < 0.5
    for place in range(1, len(scan) - _RUN):
        if off[place] and off[place : place + _RUN].mean() > 0.85:
            before, after = float(scan[place - 1]), float(scan[place])
            return place - 1 + (before - 0.5) / (before - after) if before > after else float("nan")
    return float("nan")


def _line(along: NDArray[np.int64], ends: NDArray[np.float64]) -> Line | None:
    """Fits ends = a + b * along, robust to outliers; None where too few of ``ends`` lie on a line."""
    known = ~np.isnan(ends)
    if known.mean() < FOUND:
        return None
    x, y = along[known].astype(float), ends[known]
    weights = np.ones(len(x))
    for _ in range(12):
        slope, start = np.polyfit(x, y, 1, w=np.sqrt(weights))
        off = np.abs(y - start - slope * x)
        weights = 1 / (1 + (off / max(float(np.median(off)) * 1.5, 0.5)) ** 2)
    return np.array([start, slope]) if float((off < 2.5).mean()) >= ON_LINE else None


def _cross(level: Line, upright: Line) -> tuple[float, float]:
    """Returns x and y where ``level`` (y over x) and ``upright`` (x over y) cross."""
    y = (level[0] + level[1] * upright[0]) / (1 - level[1] * upright[1])
    return float(upright[0] + upright[1] * y), float(y)
