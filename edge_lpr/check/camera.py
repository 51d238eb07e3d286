"""Check of the camera: opened as the service opens it, and measured for some seconds."""

from __future__ import annotations

import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.cameras import FrameSource, create_source
from edge_lpr.cameras.picture_health import GRID, REMEDIES, is_black, is_noise
from edge_lpr.cameras.v4l2 import lasting_path
from edge_lpr.check.finding import Finding, failure, split
from edge_lpr.config import CameraSettings
from edge_lpr.errors import CameraError
from edge_lpr.frames import Frame

DIM = 20
"""Mean brightness (0-255) below which a picture counts as dark."""

WATCH_S = 3.0
"""Seconds for which a live camera is measured. A compressed stream may repeat a picture for a second or two."""

SLOW_FPS = 3.0
"""Frames per second below which a passing vehicle is seen too seldom."""


def check_camera(settings: CameraSettings) -> Finding:
    """Returns what the camera delivers. A camera call that hangs does not block the check."""
    with create_source(settings) as source:
        deadline_s = time.monotonic() + 3 * settings.read_timeout_s
        try:
            frame = _first_frame(source, deadline_s)
            frames = [] if frame is None else [frame, *_more_frames(source, settings)]
        except CameraError as error:
            return failure("camera", error)
        status = source.status
    if not frames:
        reason = status.last_error or f"{status.name} gave no picture; check its cable and its address"
        return Finding("camera", "failed", *split(reason))
    return _judge(settings, status.name, frames)


def _first_frame(source: FrameSource, deadline_s: float) -> Frame | None:
    while True:
        frame = source.next_frame(0.2)
        if frame is not None:
            return frame
        if source.status.state in ("failed", "ended") or time.monotonic() > deadline_s:
            return None


def _more_frames(source: FrameSource, settings: CameraSettings) -> list[Frame]:
    """Returns further frames of a live camera; none of a recording."""
    frames: list[Frame] = []
    until_s = time.monotonic() + (WATCH_S if settings.live else 0.0)
    while (left_s := until_s - time.monotonic()) > 0:
        frame = source.next_frame(left_s)
        if frame is not None:
            frames.append(frame)
    return frames


def _judge(settings: CameraSettings, name: str, frames: list[Frame]) -> Finding:
    last = frames[-1]
    brightness = float(cv2.mean(cv2.cvtColor(last.image, cv2.COLOR_BGR2GRAY))[0])
    text = f"{name} gives pictures of {last.width} x {last.height}, brightness {brightness:.0f} of 255"
    if settings.live:
        text = f"{text}, {len(frames) / WATCH_S:.0f} a second"
        if is_noise(last.image):
            return Finding("camera", "failed", *split(f"{name} {REMEDIES['noise']}"))
        if len(frames) > 1 and not is_black(last.image) and _all_equal([frame.image for frame in frames]):
            return Finding("camera", "failed", *split(f"{name} {REMEDIES['frozen']}"))
    if brightness < DIM:
        return Finding("camera", "warning", text, "too dark to read: take the lens cap off, or light the lane")
    if settings.live and len(frames) / WATCH_S < SLOW_FPS:
        remedy = "too few to follow a vehicle: check its cable or network, its exposure time, and camera.fps"
        return Finding("camera", "warning", text, remedy)
    link = lasting_path(Path(f"/dev/video{settings.source or 0}")) if _is_numbered(settings) else None
    if link is not None:
        remedy = f"its number may change when it is plugged in again; set camera.source to {link}"
        return Finding("camera", "warning", text, remedy)
    return Finding("camera", "ok", text)


def _is_numbered(settings: CameraSettings) -> bool:
    return settings.type == "usb" and (not settings.source or settings.source.isdecimal())


def _all_equal(images: list[NDArray[np.uint8]]) -> bool:
    first = images[0][::GRID, ::GRID]
    return all(np.array_equal(first, image[::GRID, ::GRID]) for image in images[1:])
