"""Advice for the installer about the camera: plate size, sharpness, light and angle, from the last seconds' plates.

This module has the measures, their limits and the code of each piece of advice. The page has the words.
"""

from __future__ import annotations

import math
import statistics
from collections import deque
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import PassageSettings
from edge_lpr.geometry import Quad
from edge_lpr.link.scene import Scene
from edge_lpr.tracking.filters import AreaFilter

COMFORTABLE_WIDTH = 80
"""Width of a plate in pixels above which more pixels help little."""

MEMORY_S = 20.0
"""Seconds after which a plate no longer describes the camera's present view."""

BLURRED, SOFT = 0.32, 0.42
"""Steepness of a plate's edges. Of demo frames with growing blur, hardly any below the first value is read. Frames
without blur have 0.44 and more."""

DARK, GLARING, FLAT = 40.0, 0.08, 50.0
"""Mean brightness (0-255) of a plate; share of its overexposed pixels; difference between the 5th and the 95th
percentile of its brightness."""

BURNT_OUT = 250

ASKEW, TILTED = 8.0, 15.0
"""Rotation of a plate in the picture, in degrees."""

SIDEWAYS, FROM_ABOVE = 0.72, 1.4
"""Ratio of a plate's aspect to that of a frontal view; both values mean 44 degrees."""

_WIDEST, _NARROWEST = 120, 32
"""Bounds in pixels of the width at which a plate is measured. It is never enlarged, which would blur it."""

_ASPECTS = {1: 440 / 140, 2: 440 / 220}
"""Width over height of a plate, by number of rows. Source: GA 36-2018."""

Level = Literal["good", "fair", "bad", "unknown"]
Topic = Literal["width", "sharpness", "light", "angle"]


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice. ``code`` selects the text on the page; ``value`` is the measure, None without one."""

    topic: Topic
    level: Level
    code: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class _Measures:
    at_s: float
    width: float
    steepness: float
    brightness: float
    burnt_out: float
    contrast: float
    roll: float
    aspect: float


class CameraAdvisor:
    """Measures the plates of one scene after the other. For one thread at a time. ``min_plate_width`` is in pixels."""

    def __init__(self, passage: PassageSettings, min_plate_width: int) -> None:
        self._least = min_plate_width
        self._measures: deque[_Measures] = deque(maxlen=200)
        self._narrow: deque[tuple[float, float]] = deque(maxlen=200)
        self.apply_settings(passage)

    def apply_settings(self, passage: PassageSettings) -> None:
        """Uses another lane: only plates inside of it count."""
        self._area = AreaFilter(passage)

    def advise(self, scene: Scene) -> tuple[Advice, ...]:
        """Returns the advice after ``scene``, one piece per topic."""
        now_s = scene.frame.monotonic_s
        for plate in scene.plates:
            if plate.followed is not None:
                self._measures.append(_measured(scene.image, plate.reading.quad, plate.reading.rows, now_s))
        for quad in scene.narrow:
            if self._area.contains(quad, scene.frame):
                self._narrow.append((now_s, quad.width))
        while self._measures and not 0 <= now_s - self._measures[0].at_s <= MEMORY_S:
            self._measures.popleft()
        while self._narrow and not 0 <= now_s - self._narrow[0][0] <= MEMORY_S:
            self._narrow.popleft()
        seen = list(self._measures)
        return (self._on_width(seen), _on_sharpness(seen), _on_light(seen, scene.image), _on_angle(seen))

    def _on_width(self, seen: list[_Measures]) -> Advice:
        widths = sorted(each.width for each in seen) or sorted(width for _, width in self._narrow)
        if not widths:
            return Advice("width", "unknown", "no-plate")
        # A vehicle approaches: the largest size counts, without single outliers.
        width = round(widths[(len(widths) - 1) * 4 // 5])
        if width < self._least:
            return Advice("width", "bad", "too-narrow", width)
        return Advice("width", *(("fair", "narrow") if width < COMFORTABLE_WIDTH else ("good", "wide")), value=width)


def _on_sharpness(seen: list[_Measures]) -> Advice:
    if not seen:
        return Advice("sharpness", "unknown", "no-plate")
    steepness = round(statistics.median(each.steepness for each in seen), 2)
    if steepness < BLURRED:
        return Advice("sharpness", "bad", "blurred", steepness)
    return Advice("sharpness", *(("fair", "soft") if steepness < SOFT else ("good", "sharp")), value=steepness)


def _on_light(seen: list[_Measures], image: NDArray[np.uint8]) -> Advice:
    if not seen:
        # Without a plate the lane's brightness is measured; it cannot show glare on a plate.
        brightness = round(float(image[::8, ::8].mean()))
        return Advice("light", *(("fair", "dark-lane") if brightness < DARK / 2 else ("unknown", "no-plate")))
    burnt_out = round(100 * statistics.median(each.burnt_out for each in seen))
    brightness = round(statistics.median(each.brightness for each in seen))
    if burnt_out > 100 * GLARING:
        return Advice("light", "bad", "glaring", burnt_out)
    if brightness < DARK:
        return Advice("light", "fair", "dark", brightness)
    contrast = round(statistics.median(each.contrast for each in seen))
    return Advice("light", *(("fair", "flat") if contrast < FLAT else ("good", "lit")), value=contrast)


def _on_angle(seen: list[_Measures]) -> Advice:
    if not seen:
        return Advice("angle", "unknown", "no-plate")
    roll = round(statistics.median(each.roll for each in seen))
    aspect = statistics.median(each.aspect for each in seen)
    if abs(roll) > ASKEW:
        return Advice("angle", "bad" if abs(roll) > TILTED else "fair", "tilted", roll)
    if aspect < SIDEWAYS:
        return Advice("angle", "fair", "sideways", round(math.degrees(math.acos(max(aspect, 0.0)))))
    if aspect > FROM_ABOVE:
        return Advice("angle", "fair", "from-above", round(math.degrees(math.acos(1 / aspect))))
    return Advice("angle", "good", "straight", roll)


def _measured(image: NDArray[np.uint8], quad: Quad, rows: int, at_s: float) -> _Measures:
    corners = quad.to_array()
    width = round(min(max(quad.width, _NARROWEST), _WIDEST))
    height = width // 3
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    how = cv2.getPerspectiveTransform(corners, target)
    grey = cv2.cvtColor(cv2.warpPerspective(image, how, (width, height), flags=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
    low, high = np.percentile(grey, (5, 95)).tolist()
    steps = np.percentile(np.abs(cv2.Sobel(grey, cv2.CV_32F, 1, 0)), 95) / 4
    along = (corners[1] - corners[0] + corners[2] - corners[3]).tolist()
    return _Measures(
        at_s=at_s,
        width=quad.width,
        steepness=float(steps) / max(high - low, 1.0),
        brightness=float(grey.mean()),
        burnt_out=float((grey > BURNT_OUT).mean()),
        contrast=high - low,
        roll=math.degrees(math.atan2(along[1], along[0])),
        aspect=quad.width / max(quad.height, 1.0) / _ASPECTS.get(rows, _ASPECTS[1]),
    )
