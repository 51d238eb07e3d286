"""The tracker publishes the expected passages for all scripted scenes and for real clips."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge_lpr.cameras import create_source
from edge_lpr.config import CameraSettings, PassageSettings
from edge_lpr.frames import Frame
from edge_lpr.readings import PlateReading
from edge_lpr.tracking.tracker import Tracker
from edge_lpr.vision.reader import PlateReader
from tests.tracking.film import Film, plate
from tests.tracking.scenes import CAR, LEVEL, SCENES, Scene, down

Recording = list[tuple[Frame, list[PlateReading]]]


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_scene_gives_the_expected_passages(scene: Scene) -> None:
    assert scene.play() == scene.expected


def read_clip(path: Path, reader: PlateReader, every: int) -> Recording:
    read: Recording = []
    with create_source(CameraSettings(type="video", source=str(path))) as source:
        while not source.ended:
            frame = source.next_frame(1.0)
            if frame is not None and frame.number % every == 0:
                read.append((frame, reader.read(frame.image)))
    return read


@pytest.fixture(scope="module")
def parked_car(shared_data: Path, reader: PlateReader) -> Recording:
    """Readings of a real parked car: every fourth frame, read with the shipped models."""
    return read_clip(shared_data / "video" / "parked_car.mp4", reader, 4)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, ["粤LQ092V"]),
        ({"line": [(0, 0.05), (1, 0.05)]}, []),
        ({"lane": [(0, 0), (0.1, 0), (0.1, 0.1), (0, 0.1)]}, []),
        ({"ignore": [[(0, 0), (1, 0), (1, 1), (0, 1)]]}, []),
        ({"pattern": "京.*"}, []),
        ({"kinds": ["small car"]}, ["粤LQ092V"]),
    ],
)
def test_a_real_parked_car(parked_car: Recording, settings: dict[str, Any], expected: list[str]) -> None:
    tracker = Tracker(PassageSettings(**settings), 80)
    passages = [passage for frame, readings in parked_car for passage in tracker.update(frame, readings)]
    assert [passage.number for passage in (*passages, *tracker.flush())] == expected


def test_a_real_plate_that_crosses_the_line(parked_car: Recording) -> None:
    """The camera is carried by hand, so the plate moves in the picture. The line lies across this path."""
    own = [(f.monotonic_s, next(r for r in rs if r.number == "粤LQ092V")) for f, rs in parked_car
           if any(r.number == "粤LQ092V" for r in rs)]  # fmt: skip
    frame = parked_car[0][0]
    first, last = own[0][1].quad.center, own[-1][1].quad.center
    axis = 0 if abs(last[0] - first[0]) / frame.width > abs(last[1] - first[1]) / frame.height else 1
    assert abs(last[axis] - first[axis]) >= own[0][1].quad.width
    middle = (first[axis] + last[axis]) / 2 / (frame.width, frame.height)[axis]
    line = [(middle, 0.0), (middle, 1.0)] if axis == 0 else [(0.0, middle), (1.0, middle)]
    tracker = Tracker(PassageSettings(line=tuple(line), line_in="down" if axis else "right"), 80)
    passages = [passage for frame, readings in parked_car for passage in tracker.update(frame, readings)]
    passages += tracker.flush()
    direction = "in" if last[axis] > first[axis] else "out"
    assert [(passage.number, passage.crossing) for passage in passages] == [("粤LQ092V", direction)]


def test_a_line_that_is_removed_while_a_car_is_visible() -> None:
    film = Film(PassageSettings(**LEVEL, sure_frames=50))
    for _ in range(3):
        film.show(plate(CAR, 900, 300))
    film.tracker.apply_settings(PassageSettings(sure_frames=50), 80)
    assert film.end() == [CAR]
    assert film.passages[0].crossing is None


def test_a_line_at_a_low_frame_rate() -> None:
    """Three frames per second, as on an overheated board."""
    assert Scene("slow", (f"{CAR} in",), (down(CAR),), fps=3).play() == (f"{CAR} in",)


def test_times_of_a_passage_are_those_of_its_frames() -> None:
    film, rng = Film(PassageSettings(**LEVEL)), np.random.default_rng(5)
    for i in range(12):
        film.show(plate(CAR, 900, 500 + 30 * i, rng=rng))
    (passage,) = film.passages
    assert passage.captured_at - passage.first_seen_at < timedelta(seconds=2)
    assert passage.captured_at > datetime(2024, 1, 1, tzinfo=UTC)
