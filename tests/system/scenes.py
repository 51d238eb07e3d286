"""The pictures of the guest's camera: the four vehicles of the demo clip in one picture, and the empty lane."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.resources import demo_clip

WIDTH, HEIGHT = 1280, 720
_VEHICLES = (52, 112, 174, 236)
"""Frames of the demo clip, each with one vehicle, in the order of ``scripted_camera.NUMBERS``."""

_EMPTY = (0, 0, 0, 0)


def write_scenes(folder: Path) -> None:
    """Writes one file for each scene, in their order: uint8, 720 rows of 1280 pixels, BGR."""
    folder.mkdir()
    clip = cv2.VideoCapture(str(demo_clip()))
    frames: list[NDArray[np.uint8]] = []
    while len(frames) <= max(_VEHICLES):
        more, frame = clip.read()
        assert more, "the demo clip has become shorter"
        frames.append(np.asarray(frame, np.uint8))
    for name, shown in (("1-vehicles", _VEHICLES), ("2-empty", _EMPTY)):
        tiles = [cv2.resize(frames[i], (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA) for i in shown]
        picture = np.vstack([np.hstack(tiles[:2]), np.hstack(tiles[2:])])
        (folder / f"{name}.raw").write_bytes(picture.tobytes())
