"""Filters from the settings: in which part of the picture plates count, and which numbers may be published."""

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
    """The lane without the ignored areas. An empty lane is the whole frame.

    The settings give polygons in fractions of the frame's width and height, 0.0 to 1.0.
    """

    def __init__(self, settings: PassageSettings) -> None:
        self._lane = _contour(settings.lane)
        self._ignored = [_contour(area) for area in settings.ignore]

    def contains(self, quad: Quad, frame: Frame) -> bool:
        """Returns whether the plate's centre counts. A point on the edge of a polygon is inside it."""
        x, y = quad.center
        point = (x / frame.width, y / frame.height)
        in_lane = not len(self._lane) or _is_within(self._lane, point)
        return in_lane and not any(_is_within(area, point) for area in self._ignored)


class FormatFilter:
    """Allows numbers that match ``pattern`` as a whole and belong to one of ``kinds``. An unset limit allows all.

    A number is never changed to fit the limits. A number that does not fit is not published.
    """

    def __init__(self, settings: PassageSettings) -> None:
        self._pattern = None if settings.pattern is None else re.compile(settings.pattern)
        self._kinds = frozenset(settings.kinds)

    def allows(self, result: VoteResult) -> bool:
        """Returns whether a passage with this result may be published."""
        if self._pattern is not None and self._pattern.fullmatch(result.number) is None:
            return False
        return not self._kinds or any(
            kind.name in self._kinds and result.color in kind.colors and result.rows in kind.rows
            for kind in matching_kinds(result.number)
        )


def _contour(polygon: Polygon) -> NDArray[np.float32]:
    return np.array(polygon, dtype=np.float32).reshape(-1, 1, 2)


def _is_within(contour: NDArray[np.float32], point: tuple[float, float]) -> bool:
    return cv2.pointPolygonTest(contour, point, False) >= 0
