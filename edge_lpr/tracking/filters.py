"""Where in the picture plates count: in the lane, and outside the areas to ignore."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import PassageSettings
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.plates import matching_kinds
from edge_lpr.tracking.vote import VoteResult

Polygon = Sequence[tuple[float, float]]


class AreaFilter:
    """The lane (the whole frame where none is drawn) without the ignored areas; polygons as fractions of the frame."""

    def __init__(self, settings: PassageSettings) -> None:
        self._lane = _contour(settings.lane)
        self._ignored = [_contour(area) for area in settings.ignore]

    def contains(self, quad: Quad, frame: Frame) -> bool:
        """Whether the plate's centre is watched. An edge belongs to its area."""
        x, y = quad.center
        point = (x / frame.width, y / frame.height)
        in_lane = not len(self._lane) or _is_within(self._lane, point)
        return in_lane and not any(_is_within(area, point) for area in self._ignored)


class FormatFilter:
    """``pattern`` for the whole number, and ``kinds`` of plates; without them all are allowed.

    A number is never bent to fit: what does not is not published.
    """

    def __init__(self, settings: PassageSettings) -> None:
        self._pattern = None if settings.pattern is None else re.compile(settings.pattern)
        self._kinds = frozenset(settings.kinds)

    def allows(self, verdict: VoteResult) -> bool:
        """Whether a passage of ``verdict`` may be published."""
        if self._pattern is not None and self._pattern.fullmatch(verdict.number) is None:
            return False
        return not self._kinds or any(
            kind.name in self._kinds and verdict.color in kind.colors and verdict.rows in kind.rows
            for kind in matching_kinds(verdict.number)
        )


def _contour(polygon: Polygon) -> NDArray[np.float32]:
    return np.array(polygon, dtype=np.float32).reshape(-1, 1, 2)


def _is_within(contour: NDArray[np.float32], point: tuple[float, float]) -> bool:
    return cv2.pointPolygonTest(contour, point, False) >= 0
