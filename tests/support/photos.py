"""A photo with a plate that the shipped models read, for tests and benchmarks."""

from __future__ import annotations

import cv2

from edge_lpr.images import load_image
from edge_lpr.resources import demo_clip
from edge_lpr.vision.reader import PlateReader


def with_plate(reader: PlateReader) -> bytes:
    """Returns a frame of the demo clip with a plate that ``reader`` reads, as JPEG."""
    clip = cv2.VideoCapture(str(demo_clip()))
    while True:
        more, frame = clip.read()
        if not more:
            raise RuntimeError("the demo clip shows no plate")
        content = bytes(cv2.imencode(".jpg", frame)[1])
        if reader.read(load_image(content)):
            return content
