"""A chart over time as PNG: panels with a common time axis in minutes, and shaded time spans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WIDTH, PANEL_HEIGHT = 1500, 190
LEFT, RIGHT, TOP, GAP, BOTTOM = 80, 20, 44, 34, 40
COLOURS = ("#1f5fa8", "#c8501e", "#2e8b57", "#7d4fa3")
SHADES = ("#fbe3d0", "#dbe9f8", "#e3f2df", "#efe3f5")
INK, FAINT = "#222222", "#dddddd"

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """One series of points (seconds, value). A ``thin`` line is drawn over the others, for example a fit."""

    label: str
    points: Sequence[Point]
    thin: bool = False


@dataclass(frozen=True)
class Panel:
    """One diagram. With ``from_zero`` its value axis starts at zero, otherwise it fits the values."""

    title: str
    lines: Sequence[Line]
    from_zero: bool = True


@dataclass(frozen=True)
class Span:
    """A time span from ``from_s`` to ``to_s``; spans of one ``kind`` have the same colour."""

    kind: str
    from_s: float
    to_s: float


def draw(path: Path, title: str, panels: Sequence[Panel], spans: Sequence[Span] = ()) -> None:
    """Writes the chart. Its time axis ends with the longest line."""
    height = TOP + len(panels) * (PANEL_HEIGHT + GAP) + BOTTOM
    image = Image.new("RGB", (WIDTH, height), "white")
    sheet = _Sheet(ImageDraw.Draw(image), max(x for panel in panels for line in panel.lines for x, _ in line.points))
    sheet.pen.text((LEFT, 8), title, INK, sheet.font)
    kinds = sorted({span.kind for span in spans})
    sheet.legend([(kind, shade) for kind, shade in zip(kinds, SHADES, strict=False)], 8)
    for place, panel in enumerate(panels):
        top = TOP + GAP - 8 + place * (PANEL_HEIGHT + GAP)
        for span in spans:
            sheet.shade(span, SHADES[kinds.index(span.kind) % len(SHADES)], top)
        sheet.panel(panel, top, is_last=place == len(panels) - 1)
    image.save(path)


class _Sheet:
    """The drawing and the common time axis."""

    def __init__(self, pen: ImageDraw.ImageDraw, end_s: float) -> None:
        self.pen = pen
        self.font = ImageFont.load_default(15)
        self._small = ImageFont.load_default(12)
        self._end_s = max(end_s, 1.0)

    def legend(self, entries: Sequence[tuple[str, str]], top: float) -> None:
        """Draws the legend from the right edge to the left."""
        right = float(WIDTH - RIGHT)
        for label, colour in reversed(entries):
            right -= self.pen.textlength(label, self._small)
            self.pen.text((right, top), label, INK, self._small)
            self.pen.rectangle((right - 18, top + 1, right - 5, top + 13), colour)
            right -= 34

    def shade(self, span: Span, colour: str, top: float) -> None:
        """Shades a span, at least one pixel wide."""
        left = self._x(span.from_s)
        self.pen.rectangle((left, top, max(left + 1, self._x(min(span.to_s, self._end_s))), top + PANEL_HEIGHT), colour)

    def panel(self, panel: Panel, top: float, *, is_last: bool) -> None:
        """Draws one diagram with its upper edge at ``top``."""
        values = [value for line in panel.lines for _, value in line.points]
        low, high, step = _scale(0.0 if panel.from_zero else min(values), max(values))

        def y(value: float) -> float:
            return top + PANEL_HEIGHT * (high - value) / (high - low)

        for number in range(round((high - low) / step) + 1):
            value = low + number * step
            self.pen.line((LEFT, y(value), WIDTH - RIGHT, y(value)), FAINT)
            self.pen.text((LEFT - 8, y(value)), f"{value:g}", INK, self._small, anchor="rm")
        for minute in _minutes(self._end_s / 60):
            x = self._x(minute * 60)
            self.pen.line((x, top + PANEL_HEIGHT, x, top + PANEL_HEIGHT + 4), INK)
            if is_last:
                self.pen.text((x, top + PANEL_HEIGHT + 8), f"{minute:g} min", INK, self._small, anchor="mt")
        for line, colour in zip(panel.lines, COLOURS, strict=False):
            points = [(self._x(at_s), y(value)) for at_s, value in line.points]
            self.pen.line(points, INK if line.thin else colour, 1 if line.thin else 2)
        self.pen.rectangle((LEFT, top, WIDTH - RIGHT, top + PANEL_HEIGHT), outline=INK)
        self.pen.text((LEFT, top - 18), panel.title, INK, self._small)
        self.legend([(line.label, INK if line.thin else colour)
                     for line, colour in zip(panel.lines, COLOURS, strict=False)], top - 18)  # fmt: skip

    def _x(self, at_s: float) -> float:
        return LEFT + (WIDTH - RIGHT - LEFT) * at_s / self._end_s


def _scale(low: float, high: float) -> tuple[float, float, float]:
    """Returns round ends of an axis, and the step between its marks."""
    step = _round_step((high - low) / 4 or 1.0)
    return math.floor(low / step) * step, (math.floor(high / step) + 1) * step, step


def _minutes(end: float) -> list[float]:
    step = _round_step(end / 10)
    return [number * step for number in range(int(end / step) + 1)]


def _round_step(about: float) -> float:
    """Returns 1, 2 or 5 times a power of ten, not smaller than ``about``."""
    power = 10.0 ** math.floor(math.log10(about))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= about * 0.999)
