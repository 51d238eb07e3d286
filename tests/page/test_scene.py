"""What the live picture shows of a frame: scenes, advice for the camera, encoding."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.config import PassageSettings
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad
from edge_lpr.link.scene import FollowedTrack, Scene, ScenePlate
from edge_lpr.page.camera_advice import COMFORTABLE_WIDTH, CameraAdvisor
from edge_lpr.page.encoding import SceneEncoder
from edge_lpr.resources import demo_clip
from edge_lpr.vision.reader import PlateReader

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def scene_of(image: NDArray[np.uint8], reader: PlateReader, like: Scene | None = None) -> Scene:
    """Returns the scene of ``image``. Its plates are those of ``like`` if given: a blurred image has none."""
    plates = (
        like.plates
        if like
        else tuple(ScenePlate(each, FollowedTrack(1, None, 1, False)) for each in reader.read(image))
    )
    return Scene(7, Frame(image, 0, 0.0, NOON, "camera"), plates, (), 0.0)


def codes(scene: Scene) -> dict[str, str]:
    return {each.topic: each.code for each in CameraAdvisor(PassageSettings(), 60).advise(scene)}


@pytest.fixture(scope="module")
def near_frame() -> NDArray[np.uint8]:
    """A frame of the demo clip with a plate near the camera."""
    clip = cv2.VideoCapture(str(demo_clip()))
    for _ in range(54):
        clip.grab()
    return np.asarray(clip.read()[1], np.uint8)


def test_advice_names_what_to_change_at_the_camera(near_frame: NDArray[np.uint8], reader: PlateReader) -> None:
    image = near_frame
    scene = scene_of(image, reader)
    width = scene.plates[0].reading.quad.width
    good = codes(scene)
    assert good["sharpness"] == "sharp" and good["light"] == "lit" and good["angle"] == "straight"
    assert good["width"] == ("narrow" if width < COMFORTABLE_WIDTH else "wide")
    blurred = np.asarray(cv2.GaussianBlur(image, (0, 0), 5), np.uint8)
    assert codes(scene_of(blurred, reader, scene))["sharpness"] == "blurred"
    dark = (image * 0.12).astype(np.uint8)
    assert codes(scene_of(dark, reader, scene))["light"] == "dark"
    glaring = np.clip(image * 4.0, 0, 255).astype(np.uint8)
    assert codes(scene_of(glaring, reader, scene))["light"] == "glaring"
    turn = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 20, 1.0)
    turned = np.asarray(cv2.warpAffine(image, turn, (image.shape[1], image.shape[0])), np.uint8)
    assert codes(scene_of(turned, reader))["angle"] == "tilted"
    far = replace(scene, plates=(), narrow=(scene.plates[0].reading.quad,))
    assert {each.code for each in CameraAdvisor(PassageSettings(), 400).advise(far)} >= {"too-narrow"}
    empty = replace(scene, plates=())
    assert set(codes(empty).values()) == {"no-plate"}
    outside = PassageSettings(lane=((0, 0), (0.01, 0), (0, 0.01)))
    assert CameraAdvisor(outside, 400).advise(far)[0].code == "no-plate"


def test_without_pictures_the_live_view_has_the_readings_only(
    near_frame: NDArray[np.uint8], reader: PlateReader
) -> None:
    scene = scene_of(near_frame, reader)
    for images in (True, False):
        encoded = SceneEncoder(CameraAdvisor(PassageSettings(), 60), 320, images=images).encode(scene)
        length = int.from_bytes(encoded[:4])
        header, jpeg = json.loads(encoded[4 : 4 + length]), encoded[4 + length :]
        assert header["View"] == 7 and header["Plates"][0]["Number"]
        assert bool(jpeg) == images


def test_only_plates_are_reported_as_too_narrow_to_read(near_frame: NDArray[np.uint8], reader: PlateReader) -> None:
    narrow: list[Quad] = []
    assert reader.read(near_frame, min_plate_width=400, on_narrow_plates=narrow.extend) == []
    assert len(narrow) == 1 and narrow[0].width == pytest.approx(150, rel=0.1)
