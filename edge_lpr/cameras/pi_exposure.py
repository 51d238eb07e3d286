"""Connects the exposure control to picamera2: reads the metadata of pictures and returns controls.

The names are those of "The Picamera2 Library", appendix C
(https://datasheets.raspberrypi.com/camera/picamera2-manual.pdf): ``ExposureTime`` in microseconds, ``AnalogueGain``
from 1.0. Only the metadata of a picture gives the exposure with which it was taken: a request takes effect about ten
frames later and is rounded (https://github.com/raspberrypi/picamera2/issues/1278).
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
"""Controls that are set. The automatic exposure must be off, or the other two have no effect."""

STORED_FRAMES = 256
"""Frames whose exposure is stored until the plates in them are known."""

WARN_DEFICIT, CLEAR_DEFICIT = 1.0, 0.5
"""Stops by which plates are too dark: a warning is logged above the first, and allowed again below the second."""

_log = logging.getLogger(__name__)


class PiExposure:
    """Exposure control of one Pi camera. All calls come from the camera thread. ``name`` is used in the log."""

    def __init__(self, limits: ExposureLimits, meter: LightMeter, name: str) -> None:
        self._limits = limits
        self._control = ExposureControl(limits)
        self._meter = meter
        self._name = name
        self._used: deque[tuple[int, Exposure]] = deque(maxlen=STORED_FRAMES)
        self._is_too_dark = False

    def add_frame(self, frame: Frame, metadata: Mapping[str, Any]) -> dict[str, object] | None:
        """Measures ``frame`` and returns the controls to set; None for no change."""
        used = exposure_of(metadata)
        if used is None:
            return None
        now_s = frame.monotonic_s
        self._used.append((frame.number, used))
        self._add_plate(now_s)
        if self._control.needs_lane_brightness(now_s):
            self._control.add_lane_brightness(self._meter.lane_brightness(frame.image), used, now_s)
        exposure = self._control.next_exposure(used, now_s)
        if exposure is None:
            return None
        return {"AeEnable": False, "ExposureTime": round(exposure.time_us), "AnalogueGain": round(exposure.gain, 3)}

    def _add_plate(self, now_s: float) -> None:
        plate = self._meter.take_plate_brightness()
        used = None if plate is None else dict(self._used).get(plate.frame_number)
        if plate is None or used is None:
            return
        self._control.add_plate_brightness(plate.brightness, used, now_s)
        deficit = self._control.plate_deficit
        if deficit > WARN_DEFICIT and not self._is_too_dark:
            self._is_too_dark = True
            _log.warning(
                "%s: plates are too dark at %g ms and gain %g; light the lane, or raise camera.pi.max_exposure_ms",
                *(self._name, self._limits.max_time_us / 1000, self._limits.max_gain),
            )
        elif deficit < CLEAR_DEFICIT:
            self._is_too_dark = False


def create_exposure(
    advertised: Mapping[str, tuple[Any, Any, Any]], settings: PiCameraSettings, meter: LightMeter, name: str
) -> PiExposure | None:
    """Returns the exposure control of a camera; None if the camera or the user controls the exposure.

    ``advertised`` gives (minimum, maximum, default) for each control of the camera. The result is None if
    ``max_exposure_ms`` is unset, if the settings set one of the controls, or if the camera lacks one.
    """
    if settings.max_exposure_ms is None or any(control in settings.controls for control in EXPOSURE_CONTROLS):
        return None
    if not all(control in advertised for control in EXPOSURE_CONTROLS):
        _log.warning("%s has no exposure controls; camera.pi.max_exposure_ms has no effect", name)
        return None
    (shortest, longest, _), (_, max_gain, _) = advertised["ExposureTime"], advertised["AnalogueGain"]
    # Before a sensor mode is chosen, libcamera may advertise 0 for limits that it does not know yet.
    max_time_us = min(1000 * settings.max_exposure_ms, longest or float("inf"))
    limits = ExposureLimits(min(max(shortest, 1.0), max_time_us), max_time_us, min(settings.max_gain, max_gain or 1.0))
    return PiExposure(limits, meter, name)


def exposure_of(metadata: Mapping[str, Any]) -> Exposure | None:
    """Returns the exposure with which a picture was taken; None if its metadata lacks it."""
    time_us, gain = metadata.get("ExposureTime"), metadata.get("AnalogueGain")
    if not time_us or not gain:
        return None
    return Exposure(float(time_us), float(gain) * float(metadata.get("DigitalGain") or 1.0))
