"""A photo that the shipped models read a plate in, for tests and benchmarks."""

from __future__ import annotations

import cv2

from edge_lpr.images import load_image
from edge_lpr.resources import demo_clip
from edge_lpr.vision.reader import PlateReader


def with_plate(reader: PlateReader) -> bytes:
    """A JPEG with a plate that ``reader`` reads: a frame of the demo clip."""
    clip = cv2.VideoCapture(str(demo_clip()))
    while True:
        more, frame = clip.read()
        if not more:
            raise RuntimeError("the demo clip shows no plate")
        content = bytes(cv2.imencode(".jpg", frame)[1])
        if reader.read(load_image(content)):
            return content
