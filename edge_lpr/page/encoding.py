"""One scene as the page takes it: what was read, as JSON, and the picture, smaller and as JPEG, in one piece.

Four bytes (big-endian) with the length of the JSON, the JSON, the JPEG: what is drawn over a picture is always its own.
"""

from __future__ import annotations

import json
import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import PassageSettings
from edge_lpr.geometry import Quad
from edge_lpr.images import encode_jpeg
from edge_lpr.messages.payloads import JsonObject, timestamp
from edge_lpr.page.camera_advice import Advice, CameraAdvisor
from edge_lpr.page.scene import Scene, ScenePlate

JPEG_QUALITY = 70


class SceneEncoder:
    """Makes them. ``width``: the most pixels of a picture's width; ``images``: whether there is a JPEG at all."""

    def __init__(self, adviser: CameraAdvisor, width: int, *, images: bool) -> None:
        self._adviser = adviser
        self._width = width
        self._images = images
        self._lock = threading.Lock()

    def apply(self, passage: PassageSettings) -> None:
        """Go on with another lane."""
        with self._lock:
            self._adviser.apply(passage)

    def piece(self, number: int, scene: Scene) -> bytes:
        """``scene``, the ``number``-th, as the page takes it. May be called from any thread."""
        with self._lock:
            advice = self._adviser.look(scene)
        told = json.dumps(_told(number, scene, advice), ensure_ascii=False).encode()
        jpeg = _jpeg(scene.image, self._width) if self._images else b""
        return len(told).to_bytes(4) + told + jpeg


def _jpeg(image: NDArray[np.uint8], width: int) -> bytes:
    if image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(image, JPEG_QUALITY)


def _told(number: int, scene: Scene, advice: tuple[Advice, ...]) -> JsonObject:
    frame = scene.frame
    return {
        "View": number,
        "At": timestamp(frame.captured_at),
        "Width": frame.width,
        "Height": frame.height,
        "Plates": [_plate(sight, frame.width, frame.height) for sight in scene.sights],
        "Narrow": [
            {"PlateWidth": round(quad.width), "Corners": _corners(quad, frame.width, frame.height)}
            for quad in scene.narrow
        ],
        "Advice": [
            {"Topic": each.topic, "Level": each.level, "Code": each.code, "Value": each.value} for each in advice
        ],
    }


def _plate(sight: ScenePlate, width: int, height: int) -> JsonObject:
    reading, followed = sight.reading, sight.followed
    vote = None if followed is None else followed.verdict
    return {
        "Number": reading.number,
        "Confidence": reading.confidence,
        "Color": str(reading.color),
        "PlateWidth": round(reading.quad.width),
        "Corners": _corners(reading.quad, width, height),
        "Track": None if followed is None else followed.serial,
        "Frames": None if followed is None else followed.frames,
        "Published": followed is not None and followed.published,
        "Vote": None if vote is None else {"Number": vote.number, "Confidence": vote.confidence},
    }


def _corners(quad: Quad, width: int, height: int) -> list[list[float]]:
    """As fractions of the frame's width and height."""
    return [[round(x / width, 4), round(y / height, 4)] for x, y in quad.to_array().tolist()]
