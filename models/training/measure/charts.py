"""The report's charts, one PNG each, drawn with matplotlib."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib import pyplot

from models.training.measure import statistics
from models.training.measure.records import PlateRecord
from models.training.measure.statistics import Share

matplotlib.use("Agg")  # draws without a screen
matplotlib.rcParams["font.family"] = ["DejaVu Sans", "Noto Sans CJK JP"]  # Latin, then 汉字

WIDTHS = (0, 50, 60, 70, 80, 95, 110, 130, 160, 200, 260, 1000)
"""Bands of plate width in pixels of the picture."""
MOST_CONFUSED = 24
"""Characters that the confusion matrix has at most."""


@contextmanager
def _figure(path: Path, width: float, height: float) -> Iterator[Any]:
    figure, axes = pyplot.subplots(figsize=(width, height), layout="constrained")
    yield axes
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def calibration(path: Path, groups: Mapping[str, Sequence[PlateRecord]]) -> None:
    """Draws confidence against the share of right readings, for each group."""
    with _figure(path, 6, 5) as axes:
        axes.plot([0, 100], [0, 100], color="grey", linewidth=0.8, linestyle="--")
        for name, records in groups.items():
            bins = statistics.calibration(records)
            error, readings = statistics.calibration_error(records), sum(one.count for one in bins)
            points = [one.confidence for one in bins], [one.right for one in bins]
            axes.plot(*points, marker="o", label=f"{name}: error {error:.2f} points, {readings} readings")
        axes.set(xlabel="confidence", ylabel="right, %", xlim=(0, 101), ylim=(0, 101))
        axes.legend()


def by_width(path: Path, groups: Mapping[str, Sequence[PlateRecord]]) -> None:
    """Draws the exact readings in bands of plate width, with Wilson's intervals and the plates in each band."""
    with _figure(path, 9, 4.5) as axes:
        places = np.arange(len(WIDTHS) - 1)
        for offset, (name, records) in enumerate(groups.items()):
            shares = statistics.exact_by_width(records, WIDTHS)
            present = [(place, one) for place, one in zip(places, shares, strict=True) if one.trials]
            xs = [place + 0.12 * offset for place, _ in present]
            axes.errorbar(xs, [one.percent for _, one in present], yerr=_whiskers([s for _, s in present]), marker="o",
                          capsize=3, label=name)  # fmt: skip
            for x, (_, one) in zip(xs, present, strict=True):
                axes.annotate(str(one.trials), (x, 1 + 4 * offset), fontsize=7, ha="center", color=f"C{offset}")
        bands = [f"{low}-{high}" for low, high in pairwise(WIDTHS)]
        axes.set_xticks(places, [*bands[:-1], f"{WIDTHS[-2]} up"], rotation=30)
        axes.set(xlabel="plate width, pixels", ylabel="exact, %", ylim=(0, 102))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


def by_group(path: Path, groups: Mapping[str, Sequence[PlateRecord]], limit: float) -> None:
    """Draws the exact readings of each group as bars, worst first, with Wilson's intervals.

    Groups below ``limit``, percent, are red.
    """
    shares = sorted(((name, statistics.exact(one)) for name, one in groups.items()), key=lambda pair: pair[1].percent)
    with _figure(path, 9, 1.2 + 0.24 * len(shares)) as axes:
        names = [name.rpartition("/")[2] for name, _ in shares]
        percents = [share.percent for _, share in shares]
        colors = ["tab:green" if percent >= limit else "tab:red" for percent in percents]
        axes.barh(names, percents, xerr=_whiskers([s for _, s in shares]), color=colors, alpha=0.75, capsize=2)
        axes.axvline(limit, color="black", linewidth=0.8, linestyle="--")
        axes.margins(y=0.01)
        axes.invert_yaxis()
        axes.set(xlabel="exact, %", xlim=(0, 101))


def confusion(path: Path, confusions: Counter[tuple[str, str]]) -> None:
    """Draws a matrix of the characters that are confused most often: true down, read across."""
    involved: Counter[str] = Counter()
    for (true, read), count in confusions.items():
        involved[true] += count
        involved[read] += count
    characters = sorted(character for character, _ in involved.most_common(MOST_CONFUSED))
    place = {character: index for index, character in enumerate(characters)}
    matrix = np.zeros((len(characters), len(characters)))
    for (true, read), count in confusions.items():
        if true in place and read in place:
            matrix[place[true], place[read]] = count
    with _figure(path, 8, 8) as axes:
        if not characters:
            axes.text(0.5, 0.5, "no character was confused", ha="center")
            return
        axes.imshow(matrix, cmap="Reds")
        axes.set_xticks(range(len(characters)), characters)
        axes.set_yticks(range(len(characters)), characters)
        axes.set(xlabel="read", ylabel="true")
        for row, column in np.argwhere(matrix > 0):
            tone = "white" if matrix[row, column] > 0.6 * matrix.max() else "black"
            axes.text(column, row, f"{matrix[row, column]:.0f}", ha="center", va="center", fontsize=8, color=tone)


def training_curves(path: Path, log: Path) -> None:
    """Draws every column of a run's log against the step, one panel each."""
    with log.open(newline="") as file:
        entries = list(csv.DictReader(file))
    steps = [int(entry["step"]) for entry in entries]
    names = [name for name in entries[0] if name not in ("step", "per_s")]
    rows = -(-len(names) // 4)
    figure, panels = pyplot.subplots(rows, 4, figsize=(11, 2.2 * rows), layout="constrained", squeeze=False)
    for panel, name in zip(panels.flat, names, strict=False):
        panel.plot(steps, [float(entry[name]) for entry in entries], marker=".")
        panel.set_title(name, fontsize=9)
    for panel in panels.flat[len(names) :]:
        panel.set_axis_off()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _whiskers(shares: Sequence[Share]) -> Any:
    """Returns how far the interval reaches below and above each share, (2, N), percent."""
    low = [share.percent - share.interval[0] for share in shares]
    high = [share.interval[1] - share.percent for share in shares]
    return np.maximum([low, high], 0)
