"""Encoding of a scene for the page: the readings as JSON and the scaled picture as JPEG, in one message.

The message is four bytes (big-endian) with the length of the JSON, the JSON, and the JPEG. So the readings drawn over a
picture always belong to it.
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
from edge_lpr.link.scene import Scene, ScenePlate
from edge_lpr.messages.encoding import JsonObject, timestamp
from edge_lpr.page.camera_advice import Advice, CameraAdvisor

JPEG_QUALITY = 70


class SceneEncoder:
    """Encodes scenes. ``width`` bounds the picture's width in pixels; ``images`` False leaves the JPEG out."""

    def __init__(self, advisor: CameraAdvisor, width: int, *, images: bool) -> None:
        self._advisor = advisor
        self._width = width
        self._images = images
        self._lock = threading.Lock()

    def apply_settings(self, passage: PassageSettings) -> None:
        """Uses another lane for the advice."""
        with self._lock:
            self._advisor.apply_settings(passage)

    def encode(self, scene: Scene) -> bytes:
        """Returns the message for ``scene``. May be called from any thread."""
        with self._lock:
            advice = self._advisor.advise(scene)
        description = json.dumps(_describe(scene, advice), ensure_ascii=False).encode()
        jpeg = _jpeg(scene.image, self._width) if self._images else b""
        return len(description).to_bytes(4) + description + jpeg


def _jpeg(image: NDArray[np.uint8], width: int) -> bytes:
    if image.shape[1] > width:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return encode_jpeg(image, JPEG_QUALITY)


def _describe(scene: Scene, advice: tuple[Advice, ...]) -> JsonObject:
    frame = scene.frame
    return {
        "View": scene.number,
        "At": timestamp(frame.captured_at),
        "Width": frame.width,
        "Height": frame.height,
        "Plates": [_plate(plate, frame.width, frame.height) for plate in scene.plates],
        "Narrow": [
            {"PlateWidth": round(quad.width), "Corners": _corners(quad, frame.width, frame.height)}
            for quad in scene.narrow
        ],
        "Advice": [
            {"Topic": each.topic, "Level": each.level, "Code": each.code, "Value": each.value} for each in advice
        ],
    }


def _plate(plate: ScenePlate, width: int, height: int) -> JsonObject:
    reading, followed = plate.reading, plate.followed
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
    """Returns the corners as fractions of the frame's width and height."""
    return [[round(x / width, 4), round(y / height, 4)] for x, y in quad.to_array().tolist()]
