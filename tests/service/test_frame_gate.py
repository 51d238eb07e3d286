"""The frame gate loses no passage: a film gives the same vehicles with it and without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.cameras import create_camera
from edge_lpr.config import CameraSettings, PassageSettings, ReaderSettings
from edge_lpr.frames import Frame
from edge_lpr.resources import demo_clip
from edge_lpr.service.frame_gate import FrameGate, MotionGate
from edge_lpr.service.load_control import LoadControl
from edge_lpr.tracking.tracker import Tracker
from edge_lpr.vision.reader import PlateReader

FPS = 15.0
IDLE_LOOK_S = ReaderSettings().idle_look_s
Image = NDArray[np.uint8]


@pytest.fixture(scope="module")
def reader(models_dir: Path) -> PlateReader:
    return PlateReader.open(ReaderSettings(models_dir=models_dir))


@pytest.fixture(scope="module")
def clip() -> list[Image]:
    """The images of the demo clip: four vehicles drive up, one after the other."""
    return [frame.image for frame in video(demo_clip())]


def video(path: Path) -> Iterator[Frame]:
    camera = create_camera(CameraSettings(type="video", source=str(path)))
    camera.open()
    while (frame := camera.read()) is not None:
        yield frame
    camera.close()


def film(images: Iterable[Image]) -> Iterator[Frame]:
    for number, image in enumerate(images):
        yield Frame(image, number, number / FPS, datetime.now(UTC), "film")


def find_passages(
    frames: Iterable[Frame], reader: PlateReader, idle_look_s: float, *, live: bool = True
) -> tuple[list[str], int]:
    """Returns the numbers of the passages, and the count of frames that were read."""
    gate = FrameGate(MotionGate(idle_look_s), LoadControl(lambda: None, lambda: None), live=live)
    tracker, numbers, read = Tracker(PassageSettings(), ReaderSettings().min_confidence), [], 0
    for frame in frames:
        if gate.is_worth_reading(frame, frame.monotonic_s, tracking=tracker.has_tracks):
            read += 1
            numbers += [passage.number for passage in tracker.update(frame, reader.read(frame.image))]
    return [*numbers, *(passage.number for passage in tracker.flush())], read


def compare(frames: list[Frame], reader: PlateReader) -> tuple[list[str], float]:
    """Asserts that the passages are the same with and without the gate.

    Returns their numbers, and the share of frames that were read with the gate, 0 to 1.
    """
    without, read_without = find_passages(frames, reader, 0)
    with_gate, read = find_passages(frames, reader, IDLE_LOOK_S)
    assert read_without == len(frames)
    assert with_gate == without
    return with_gate, read / len(frames)


def noisy(image: Image, random: np.random.Generator, spread: float = 3.0) -> Image:
    """Adds the noise of a sensor. ``spread`` is its standard deviation in grey levels."""
    noise = random.normal(0, spread, (image.shape[0], image.shape[1], 1))
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_the_demo_clip_gives_the_same_passages(reader: PlateReader) -> None:
    numbers, _ = compare(list(video(demo_clip())), reader)
    assert numbers == ["京N8F2K6", "粤BD30517", "冀B7H905", "苏A2963警"]


@pytest.mark.parametrize("name", ["parked_car.mp4", "night_road.mp4"])
def test_real_clips_give_the_same_passages(shared_data: Path, reader: PlateReader, name: str) -> None:
    compare(list(video(shared_data / "video" / name)), reader)


def test_few_frames_of_an_empty_lane_are_read(clip: list[Image], reader: PlateReader) -> None:
    random = np.random.default_rng(1)
    numbers, share = compare(list(film(noisy(clip[0], random) for _ in range(60))), reader)
    assert numbers == []
    assert share <= 5 / 60


def test_a_very_slow_vehicle_is_a_passage(clip: list[Image], reader: PlateReader) -> None:
    """The vehicle moves at an eighth of its speed in the clip, so two frames hardly differ."""
    random = np.random.default_rng(2)
    creeping = (
        cv2.addWeighted(before, 1 - step / 8, after, step / 8, 0)
        for before, after in pairwise(clip[28:45])
        for step in range(8)
    )
    frames = list(film(noisy(np.asarray(image, np.uint8), random) for image in creeping))
    assert compare(frames, reader)[0] == ["京N8F2K6"]


def test_a_vehicle_that_stands_there_from_the_first_frame_is_a_passage(clip: list[Image], reader: PlateReader) -> None:
    random = np.random.default_rng(3)
    assert compare(list(film(noisy(clip[45], random) for _ in range(45))), reader)[0] == ["京N8F2K6"]


def test_a_vehicle_without_lights_at_night_is_a_passage(clip: list[Image], reader: PlateReader) -> None:
    """A distant lamp gives a sixth of the light. Sensor noise is added."""
    random = np.random.default_rng(4)
    frames = list(film(noisy((image * 0.16).astype(np.uint8), random, 1.5) for image in clip[:75]))
    numbers, _ = compare(frames, reader)
    assert numbers == ["京N8F2K6"], "without passages the test proves nothing"


def test_a_still_scene_is_read_at_regular_intervals(clip: list[Image]) -> None:
    gate = MotionGate(IDLE_LOOK_S)
    read = [frame.number for frame in film([clip[0]] * 46) if gate.is_worth_reading(frame, tracking=False)]
    assert read == [0, 15, 30, 45]


def test_every_frame_is_read_while_a_plate_is_tracked(clip: list[Image]) -> None:
    gate = MotionGate(IDLE_LOOK_S)
    assert all(gate.is_worth_reading(frame, tracking=True) for frame in film([clip[0]] * 20))


def test_every_frame_of_a_recording_is_read(clip: list[Image], reader: PlateReader) -> None:
    _, read = find_passages(film([clip[0]] * 20), reader, IDLE_LOOK_S, live=False)
    assert read == 20
