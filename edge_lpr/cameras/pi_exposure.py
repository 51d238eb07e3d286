"""Between picamera2's metadata and controls and the reckoning of exposure, which knows neither.

Names as in "The Picamera2 Library", appendix C (https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf):
``ExposureTime`` in microseconds, ``AnalogueGain`` from 1.0 on. A picture's metadata is the one place that tells what it
was taken with; what was asked for takes some ten frames and is rounded (https://github.com/raspberrypi/picamera2/issues/1278).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from typing import Any

from edge_lpr.cameras.exposure import Exposure, ExposureControl, ExposureLimits
from edge_lpr.cameras.metering import LightMeter
from edge_lpr.config import PiCameraSettings
from edge_lpr.frames import Frame

EXPOSURE_CONTROLS = ("AeEnable", "ExposureTime", "AnalogueGain")
"""Controls that are written; the automatic must be off for the other two to hold."""

REMEMBERED = 256
"""Frames whose exposure is still known when the frame loop tells what plates it found in one."""

WARN_DEFICIT, CLEAR_DEFICIT = 1.0, 0.5
"""Stops that plates are too dark by when it is said, and when it may be said again."""

_log = logging.getLogger(__name__)


class PiExposure:
    """Told of each frame with its metadata, it gives the controls to set. For the camera's thread."""

    def __init__(self, limits: ExposureLimits, meter: LightMeter, name: str) -> None:
        """``name`` is the camera's, for the log."""
        self._limits = limits
        self._control = ExposureControl(limits)
        self._meter = meter
        self._name = name
        self._used: deque[tuple[int, Exposure]] = deque(maxlen=REMEMBERED)
        self._is_too_dark = False

    def add_frame(self, frame: Frame, metadata: Mapping[str, Any]) -> dict[str, object] | None:
        """The controls to set after ``frame``; None to leave them."""
        used = exposure_of(metadata)
        if used is None:
            return None
        now_s = frame.monotonic_s
        self._used.append((frame.number, used))
        self._measure_plate(now_s)
        if self._control.needs_lane_brightness(now_s):
            self._control.add_lane_brightness(self._meter.lane_brightness(frame.image), used, now_s)
        wanted = self._control.next_exposure(used, now_s)
        if wanted is None:
            return None
        return {"AeEnable": False, "ExposureTime": round(wanted.time_us), "AnalogueGain": round(wanted.gain, 3)}

    def _measure_plate(self, now_s: float) -> None:
        plate = self._meter.take_plate_brightness()
        used = None if plate is None else dict(self._used).get(plate.frame_number)
        if plate is None or used is None:
            return
        self._control.add_plate_brightness(plate.brightness, used, now_s)
        lack = self._control.plate_deficit
        if lack > WARN_DEFICIT and not self._is_too_dark:
            self._is_too_dark = True
            _log.warning(
                "%s: plates are too dark at %g ms and gain %g; light the lane, or raise camera.pi.max_exposure_ms",
                *(self._name, self._limits.max_time_us / 1000, self._limits.max_gain),
            )
        elif lack < CLEAR_DEFICIT:
            self._is_too_dark = False


def create_exposure(
    advertised: Mapping[str, tuple[Any, Any, Any]], settings: PiCameraSettings, meter: LightMeter, name: str
) -> PiExposure | None:
    """What exposes a camera with these controls (minimum, maximum, default); None where the settings leave it to the
    camera or take it into their own hands, and where the camera cannot be told."""
    if settings.max_exposure_ms is None or any(control in settings.controls for control in EXPOSURE_CONTROLS):
        return None
    if not all(control in advertised for control in EXPOSURE_CONTROLS):
        _log.warning("%s cannot be told how to expose; camera.pi.max_exposure_ms has no effect", name)
        return None
    (shortest, longest, _), (_, most, _) = advertised["ExposureTime"], advertised["AnalogueGain"]
    # Before a sensor mode is chosen libcamera may advertise 0 for what it does not know yet.
    max_time_us = min(1000 * settings.max_exposure_ms, longest or float("inf"))
    limits = ExposureLimits(min(max(shortest, 1.0), max_time_us), max_time_us, min(settings.max_gain, most or 1.0))
    return PiExposure(limits, meter, name)


def exposure_of(metadata: Mapping[str, Any]) -> Exposure | None:
    """What a picture was taken with; None where its metadata does not tell."""
    time_us, gain = metadata.get("ExposureTime"), metadata.get("AnalogueGain")
    if not time_us or not gain:
        return None
    return Exposure(float(time_us), float(gain) * float(metadata.get("DigitalGain") or 1.0))
