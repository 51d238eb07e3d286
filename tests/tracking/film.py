"""Scripted films for the tracking tests: readings with noisy probabilities, given to a tracker frame by frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from edge_lpr.config import PassageSettings
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.passages import Passage
from edge_lpr.plates import ALPHABET, COLORS, Color, category_of
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.tracker import Tracker

WIDTH, HEIGHT = 1920, 1080
START = datetime(2024, 5, 1, 8, 0, tzinfo=UTC)
IMAGE = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)


def plate(
    number: str,
    x: float = 900,
    y: float = 600,
    *,
    width: float = 120,
    confidence: int = 93,
    truth: str | None = None,
    color: Color = Color.BLUE,
    rng: np.random.Generator | None = None,
) -> PlateReading:
    """Returns a reading of ``number`` with its centre at (x, y).

    The characters in which ``number`` differs from ``truth`` are the uncertain ones. Their probability is
    ``confidence`` / 100, and the true characters have most of the rest. If ``number`` equals ``truth``, the last
    character is the uncertain one.
    """
    rng = rng or np.random.default_rng(0)
    truth = truth if truth and len(truth) == len(number) else number
    unsure = [i for i, (read, true) in enumerate(zip(number, truth, strict=True)) if read != true] or [len(number) - 1]
    character_probabilities = np.zeros((len(number), len(ALPHABET)))
    for i, character in enumerate(number):
        sureness = confidence / 100 if i in unsure else 0.985
        noise = rng.dirichlet(np.full(len(ALPHABET), 0.3))
        if truth[i] != character:
            noise = 0.3 * noise
            noise[ALPHABET.index(truth[i])] += 0.7
        noise[ALPHABET.index(character)] = 0
        character_probabilities[i] = (1 - sureness) * noise / noise.sum()
        character_probabilities[i, ALPHABET.index(character)] = sureness
    colors = np.full(len(COLORS), 0.1 / (len(COLORS) - 1))
    colors[COLORS.index(color)] = 0.9
    half_width, half_height = width / 2, width / 6
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [half_width, half_height] + [x, y]
    quad = Quad.from_array(corners)
    return PlateReading(
        number=number,
        confidence=confidence,
        color=color,
        category=category_of(number, color),
        rows=1,
        quad=quad,
        rect=quad.bounding_rect(WIDTH, HEIGHT),
        detection_score=0.9,
        character_probabilities=character_probabilities.astype(np.float32),
        color_probabilities=colors.astype(np.float32),
    )


class Film:
    """Gives frames to a tracker and collects the passages that it publishes."""

    def __init__(self, settings: PassageSettings | None = None, *, min_confidence: int = 80, fps: float = 10) -> None:
        self.tracker = Tracker(settings or PassageSettings(), min_confidence)
        self.fps = fps
        self.source = "camera"
        self.time_s = 100.0
        self.number = 0
        self.size = (WIDTH, HEIGHT)
        self.passages: list[Passage] = []

    def show(self, *readings: PlateReading) -> list[Passage]:
        """Adds one frame and returns its passages."""
        self.time_s += 1 / self.fps
        width, height = self.size
        frame = Frame(
            IMAGE[:height, :width], self.number, self.time_s, START + timedelta(seconds=self.time_s), self.source
        )
        self.number += 1
        passages = self.tracker.update(frame, readings)
        self.passages += passages
        return passages

    def empty(self, seconds: float) -> None:
        """Adds frames without a plate."""
        for _ in range(round(seconds * self.fps)):
            self.show()

    def end(self) -> list[str]:
        """Flushes the tracker and returns the numbers of all passages."""
        self.passages += self.tracker.flush()
        return self.numbers

    @property
    def numbers(self) -> list[str]:
        """The numbers published so far."""
        return [passage.number for passage in self.passages]


def misread(number: str, rng: np.random.Generator, *, position: int | None = None) -> str:
    """Returns ``number`` with one digit of its serial changed."""
    places = [i for i in range(2, len(number)) if number[i].isdigit()]
    place = int(rng.choice(places)) if position is None else position
    other = rng.choice([digit for digit in "0123456789" if digit != number[place]])
    return number[:place] + str(other) + number[place + 1 :]
