"""Scripted scenes at a gate: the paths of the vehicles, and the passages that the tracker must publish.

``python -m tests.tracking.scenes`` plays all scenes and prints a table of expected and produced passages. Positions are
fractions of the frame, times are in seconds. A plate is simulated as the readings that the reader would return.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from edge_lpr.config import PassageSettings
from edge_lpr.plates import Color
from edge_lpr.readings import PlateReading
from tests.tracking.film import HEIGHT, WIDTH, Film, misread, plate

CAR, NEXT, OTHER, THIRD = "粤LQ092V", "粤LQ093V", "京AF0236", "沪C5T901"
GREEN = "粤BD12345"

LEVEL: dict[str, Any] = {"line": [(0.1, 0.6), (0.9, 0.6)]}
HALF: dict[str, Any] = {"line": [(0.0, 0.6), (0.5, 0.6)]}


@dataclass(frozen=True)
class Actor:
    """A moving plate.

    ``path`` is a sequence of (second, x, y), connected by straight lines. ``hidden`` are intervals (from, to) in
    seconds. ``misread_share`` is the share of frames in which one digit is misread. ``jitter`` is the standard
    deviation of the position in pixels.
    """

    number: str
    path: tuple[tuple[float, float, float], ...]
    confidence: int = 93
    hidden: tuple[tuple[float, float], ...] = ()
    color: Color = Color.BLUE
    misread_share: float = 0.0
    jitter: float = 1.0

    def reading(self, time_s: float, rng: np.random.Generator) -> PlateReading | None:
        """Returns the reading at this time; None while the plate is not visible."""
        times, xs, ys = zip(*self.path, strict=True)
        if not times[0] <= time_s <= times[-1] or any(begin <= time_s < end for begin, end in self.hidden):
            return None
        x, y = np.interp(time_s, times, xs), np.interp(time_s, times, ys)
        read = misread(self.number, rng) if rng.random() < self.misread_share else self.number
        return plate(
            read,
            x * WIDTH + rng.normal(0, self.jitter),
            y * HEIGHT + rng.normal(0, self.jitter),
            width=70 + 90 * y,  # A plate nearer to the camera is lower in the picture, and larger.
            confidence=self.confidence,
            truth=self.number,
            color=self.color,
            rng=rng,
        )


@dataclass(frozen=True)
class Scene:
    """``expected`` are the passages in order: ``number``, ``number in`` or ``number out``."""

    name: str
    expected: tuple[str, ...]
    actors: tuple[Actor, ...]
    settings: dict[str, Any] = field(default_factory=lambda: LEVEL)
    fps: float = 10

    def play(self) -> tuple[str, ...]:
        """Returns the passages that the tracker publishes."""
        film, rng = Film(PassageSettings(**self.settings), fps=self.fps), np.random.default_rng(7)
        end_s = max(actor.path[-1][0] for actor in self.actors) + 2
        for i in range(int(end_s * self.fps)):
            readings = [actor.reading(i / self.fps, rng) for actor in self.actors]
            film.show(*(reading for reading in readings if reading is not None))
        film.end()
        return tuple(f"{p.number} {p.crossing}" if p.crossing else p.number for p in film.passages)


def down(number: str, start: float = 0, x: float = 0.5, seconds: float = 4, **more: Any) -> Actor:
    """Returns a plate that moves down the picture."""
    return Actor(number, ((start, x, 0.2), (start + seconds, x, 0.95)), **more)


def up(number: str, start: float = 0, x: float = 0.5, seconds: float = 4, **more: Any) -> Actor:
    """Returns a plate that moves up the picture."""
    return Actor(number, ((start, x, 0.95), (start + seconds, x, 0.2)), **more)


def stop(number: str, *ys: tuple[float, float], x: float = 0.5, **more: Any) -> Actor:
    """Returns a plate that is at each (second, y), with a constant x."""
    return Actor(number, tuple((second, x, y) for second, y in ys), **more)


def sticker(x: float, *ys: tuple[float, float]) -> Actor:
    """Returns the sticker of a pedestrian: it shakes and is often misread."""
    return stop("京A88888", *ys, x=x, confidence=45, misread_share=0.6, jitter=8)


HOUR = 3600.0
SLOW: dict[str, Any] = {"max_gap_s": 2.5}
GATE_LANE = [(0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)]
CORNER = [[(0.0, 0.0), (0.4, 0.0), (0.4, 0.5), (0.0, 0.5)]]

SCENES: Sequence[Scene] = (
    # One car and a line.
    Scene("in", (f"{CAR} in",), (down(CAR),)),
    Scene("out", (f"{CAR} out",), (up(CAR),)),
    Scene("in at a crawl", (f"{CAR} in",), (down(CAR, seconds=40),)),
    Scene("in within a second", (f"{CAR} in",), (down(CAR, seconds=0.9),)),
    Scene("reverses before the line", (), (stop(CAR, (0, 0.2), (3, 0.5), (6, 0.2)),)),
    Scene("in, and back out", (f"{CAR} in", f"{CAR} out"), (stop(CAR, (0, 0.2), (3, 0.9), (6, 0.2)),)),
    Scene(
        "in, out and in again, manoeuvring",
        (f"{CAR} in", f"{CAR} out", f"{CAR} in"),
        (stop(CAR, (0, 0.2), (3, 0.8), (6, 0.4), (9, 0.9)),),
    ),
    Scene("stops on the line, goes on", (f"{CAR} in",), (stop(CAR, (0, 0.2), (3, 0.6), (63, 0.6), (66, 0.95)),)),
    Scene("stops on the line, reverses", (), (stop(CAR, (0, 0.2), (3, 0.6), (63, 0.6), (66, 0.2)),)),
    Scene("stands on the line and trembles", (), (stop(CAR, (0, 0.6), (60, 0.6), jitter=4),)),
    Scene(
        "stops before the line for the barrier", (f"{CAR} in",), (stop(CAR, (0, 0.2), (3, 0.5), (33, 0.5), (35, 0.9)),)
    ),
    Scene(
        "rolls back a little after the line", (f"{CAR} in",), (stop(CAR, (0, 0.2), (3, 0.75), (4, 0.68), (7, 0.95)),)
    ),
    Scene("comes into sight behind the line", (), (stop(CAR, (0, 0.7), (3, 0.95)),)),
    # Other lines.
    Scene("in upwards", (f"{CAR} in",), (up(CAR),), {**LEVEL, "line_in": "up"}),
    Scene(
        "in to the right",
        (f"{CAR} in",),
        (Actor(CAR, ((0, 0.1, 0.6), (4, 0.9, 0.6))),),
        {"line": [(0.5, 0.2), (0.5, 0.9)], "line_in": "right"},
    ),
    Scene(
        "out to the right over a slanting line",
        (f"{CAR} out",),
        (Actor(CAR, ((0, 0.1, 0.5), (4, 0.9, 0.6))),),
        {"line": [(0.4, 0.1), (0.6, 0.9)], "line_in": "left"},
    ),
    Scene("drives along the line", (), (Actor(CAR, ((0, 0.1, 0.5), (5, 0.9, 0.5))),)),
    Scene("goes round the line's end", (), (Actor(CAR, ((0, 0.7, 0.3), (2, 0.7, 0.8), (4, 0.3, 0.8))),), HALF),
    Scene(
        "turns round behind the line",
        (f"{CAR} in", f"{CAR} out"),
        (Actor(CAR, ((0, 0.3, 0.2), (3, 0.4, 0.85), (4, 0.6, 0.85), (7, 0.7, 0.2))),),
    ),
    # Several vehicles.
    Scene("two lanes, the line over one", (f"{CAR} in",), (down(CAR, x=0.25), down(OTHER, x=0.75)), HALF),
    Scene("two lanes, the line over both", (f"{CAR} in", f"{OTHER} in"), (down(CAR, x=0.3), down(OTHER, 0.8, x=0.7))),
    Scene("two lanes, one in, one out", (f"{CAR} in", f"{OTHER} out"), (down(CAR, x=0.3), up(OTHER, 1, x=0.7))),
    Scene("a tailgating pair", (f"{CAR} in", f"{OTHER} in"), (down(CAR), down(OTHER, 1.2))),
    Scene("a tailgating pair, one character apart", (f"{CAR} in", f"{NEXT} in"), (down(CAR), down(NEXT, 1.2))),
    Scene(
        "a tailgater who is shut out",
        (f"{CAR} in",),
        (down(CAR), stop(OTHER, (1.2, 0.2), (3.5, 0.5), (20, 0.5), (24, 0.2))),
    ),
    Scene("a convoy of three", (f"{CAR} in", f"{NEXT} in", f"{THIRD} in"), (down(CAR), down(NEXT, 5), down(THIRD, 10))),
    Scene("a number on bumper and tail", (f"{CAR} in",), (down(CAR), down(CAR, 6))),
    Scene("in twice, two minutes apart", (f"{CAR} in", f"{CAR} in"), (down(CAR), down(CAR, 124))),
    # Hidden plates.
    Scene("behind the barrier's arm for a moment", (f"{CAR} in",), (down(CAR, hidden=((1.9, 2.5),)),)),
    Scene("behind a pedestrian while it crosses", (f"{CAR} in",), (down(CAR, seconds=8, hidden=((3, 6),)),)),
    Scene("behind a truck for long", (), (stop(CAR, (0, 0.3), (3, 0.5), (23, 0.8), (26, 0.95), hidden=((2.5, 23),)),)),
    Scene("a pedestrian with a sticker", (), (sticker(0.5, (0, 0.3), (10, 0.9)),)),
    Scene("a pedestrian with a sticker beside a car", (f"{CAR} in",), (down(CAR, 1), sticker(0.7, (0, 0.3), (8, 0.9)))),
    # Parked vehicles.
    Scene("parked behind the line for an hour", (), (stop(CAR, (0, 0.8), (HOUR, 0.8)),), SLOW | LEVEL, fps=1),
    Scene(
        "in, then parked in view for an hour",
        (f"{CAR} in",),
        (stop(CAR, (0, 0.2), (8, 0.8), (HOUR, 0.8)),),
        SLOW | LEVEL,
        fps=1,
    ),
    Scene(
        "cars pass one that is parked in view",
        (f"{OTHER} in", f"{THIRD} out"),
        (stop(CAR, (0, 0.8), (60, 0.8), x=0.15), down(OTHER, 10), up(THIRD, 30)),
    ),
    Scene("parked in view for an hour, no line", (CAR,), (stop(CAR, (0, 0.5), (HOUR, 0.5)),), SLOW, fps=1),
    # Areas.
    Scene("beside the lane", (), (down(CAR, x=0.15),), {"lane": GATE_LANE}),
    Scene("in the lane, another beside it", (CAR,), (down(CAR), down(OTHER, x=0.15)), {"lane": GATE_LANE}),
    Scene("stands in an ignored area", (), (stop(CAR, (0, 0.3), (60, 0.3), x=0.2),), {"ignore": CORNER}),
    Scene(
        "comes out of an ignored area",
        (f"{CAR} in",),
        (Actor(CAR, ((0, 0.2, 0.2), (6, 0.5, 0.95))),),
        {**LEVEL, "ignore": CORNER},
    ),
    # Numbers.
    Scene("a digit misread in every fourth frame", (f"{CAR} in",), (down(CAR, confidence=88, misread_share=0.25),)),
    Scene("too unsure to publish", (), (down(CAR, confidence=40),)),
    Scene(
        "a number that the pattern excludes", (f"{CAR} in",), (down(CAR), down(OTHER, 6)), {**LEVEL, "pattern": "粤.*"}
    ),
    Scene(
        "only new-energy cars",
        (f"{GREEN} in",),
        (down(CAR), down(GREEN, 6, color=Color.GREEN)),
        {**LEVEL, "kinds": ["small new-energy car"]},
    ),
)


def main() -> int:
    """Plays all scenes. Returns 1 if one differs from what is expected, else 0."""
    table = Table("scene", "expected", "produced", "")
    failed = 0
    for scene in SCENES:
        produced = scene.play()
        failed += produced != scene.expected
        mark = "equal" if produced == scene.expected else "[bold]DIFFERS[/bold]"
        table.add_row(scene.name, ", ".join(scene.expected) or "none", ", ".join(produced) or "none", mark)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(table)
    console.print(f"{len(SCENES)} scenes, {len(SCENES) - failed} equal, {failed} differ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
