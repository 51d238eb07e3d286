"""The idle gate costs no passage: the same vehicles with it and without, however they come."""

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
    """The demo clip: four vehicles drive up, one after the other."""
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


def watch(
    frames: Iterable[Frame], reader: PlateReader, idle_look_s: float, *, live: bool = True
) -> tuple[list[str], int]:
    """The passages, and how many frames were read."""
    gate = FrameGate(MotionGate(idle_look_s), LoadControl(lambda: None, lambda: None), live=live)
    tracker, numbers, read = Tracker(PassageSettings(), ReaderSettings().min_confidence), [], 0
    for frame in frames:
        if gate.is_worth_reading(frame, frame.monotonic_s, tracking=tracker.has_tracks):
            read += 1
            numbers += [passage.number for passage in tracker.update(frame, reader.read(frame.image))]
    return [*numbers, *(passage.number for passage in tracker.flush())], read


def compare(frames: list[Frame], reader: PlateReader) -> tuple[list[str], float]:
    """The passages, the same with the gate and without; and the share of frames that were read with it."""
    without, all_of_them = watch(frames, reader, 0)
    with_gate, read = watch(frames, reader, IDLE_LOOK_S)
    assert all_of_them == len(frames)
    assert with_gate == without
    return with_gate, read / len(frames)


def noisy(image: Image, random: np.random.Generator, spread: float = 3.0) -> Image:
    """As a sensor gives it."""
    small = random.normal(0, spread, (image.shape[0], image.shape[1], 1))
    return np.clip(image + small, 0, 255).astype(np.uint8)


def test_the_demo_clip(reader: PlateReader) -> None:
    numbers, _ = compare(list(video(demo_clip())), reader)
    assert numbers == ["京N8F2K6", "粤BD30517", "冀B7H905", "苏A2963警"]


@pytest.mark.parametrize("name", ["parked_car.mp4", "night_road.mp4"])
def test_real_clips(shared_data: Path, reader: PlateReader, name: str) -> None:
    compare(list(video(shared_data / "video" / name)), reader)


def test_an_empty_lane_is_hardly_read(clip: list[Image], reader: PlateReader) -> None:
    random = np.random.default_rng(1)
    numbers, share = compare(list(film(noisy(clip[0], random) for _ in range(60))), reader)
    assert numbers == []
    assert share <= 5 / 60


def test_a_vehicle_that_creeps_up(clip: list[Image], reader: PlateReader) -> None:
    """An eighth of the clip's speed: between two frames next to nothing moves."""
    random = np.random.default_rng(2)
    creeping = (
        cv2.addWeighted(before, 1 - step / 8, after, step / 8, 0)
        for before, after in pairwise(clip[28:45])
        for step in range(8)
    )
    frames = list(film(noisy(np.asarray(image, np.uint8), random) for image in creeping))
    assert compare(frames, reader)[0] == ["京N8F2K6"]


def test_a_vehicle_that_stands_before_the_first_frame(clip: list[Image], reader: PlateReader) -> None:
    random = np.random.default_rng(3)
    assert compare(list(film(noisy(clip[45], random) for _ in range(45))), reader)[0] == ["京N8F2K6"]


def test_a_vehicle_without_lights_at_night(clip: list[Image], reader: PlateReader) -> None:
    """All is dark but what a far lamp shows: a sixth of the light, and the sensor's noise on top."""
    random = np.random.default_rng(4)
    frames = list(film(noisy((image * 0.16).astype(np.uint8), random, 1.5) for image in clip[:75]))
    numbers, _ = compare(frames, reader)
    assert numbers == ["京N8F2K6"], "else this shows nothing"


def test_what_no_difference_shows_is_found_by_the_regular_look(clip: list[Image]) -> None:
    gate = MotionGate(IDLE_LOOK_S)
    looked = [frame.number for frame in film([clip[0]] * 46) if gate.is_worth_reading(frame, tracking=False)]
    assert looked == [0, 15, 30, 45]


def test_a_plate_in_sight_is_read_in_every_frame(clip: list[Image]) -> None:
    gate = MotionGate(IDLE_LOOK_S)
    assert all(gate.is_worth_reading(frame, tracking=True) for frame in film([clip[0]] * 20))


def test_a_recording_is_read_whole(clip: list[Image], reader: PlateReader) -> None:
    _, read = watch(film([clip[0]] * 20), reader, IDLE_LOOK_S, live=False)
    assert read == 20
