"""Exposure control: exposure time and gain, so that plates are neither dark, overexposed nor blurred.

All calculations are in stops (powers of two). The input is the brightness of pictures and the exposure with which they
were taken. Brightness divided by exposure is the light of the scene, whatever the exposure was. Therefore the target
does not depend on the current exposure, and a camera that applies changes many frames later does not cause overshoot.

The lane gives the light while no plate is visible. A visible plate is the better measure: at night the headlights of
the next car light it, and by day it lies in the shade below the bonnet. The difference between the exposure for plates
and the exposure for the lane is stored for some minutes, so that the next plate is exposed well from its first picture.

The automatic exposure of the camera uses the whole picture and raises the exposure time before the gain. Its "short"
mode goes up to 120 ms (https://github.com/raspberrypi/picamera2/issues/634). In this time a car at 10 km/h moves 33 cm.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

LANE_BRIGHTNESS = 105.0
"""Target for an empty lane (mean, 0-255) without a stored difference from plates."""

PLATE_BRIGHTNESS = 185.0
"""Target for the bright parts of a plate (0-255): its characters or its background. They blur together above 250."""

LANE_INTERVAL_S = 0.1
"""Seconds between two measurements of the lane. Many are needed, because lamps flicker."""

STEP_INTERVAL_S = 0.3
"""Seconds between two changes. The camera applies a change about ten frames later."""

MAX_STEP = 1.0
"""Largest change in one step, in stops."""

START_THRESHOLD, STOP_THRESHOLD = 0.35, 0.12
"""A change starts above the first error and stops below the second, in stops.

This hysteresis ignores 100 Hz lamps and the rounding of the sensor. The camera itself ignores changes below 0.03 stops
(https://github.com/raspberrypi/picamera2/issues/1109).
"""

MISMATCH_THRESHOLD, REQUEST_AGAIN_S = 1.0, 5.0
"""A request is repeated if the used exposure differs by this many stops after this many seconds."""

PLATE_HOLD_S = 2.0
"""Seconds for which the last plate has priority over the lane."""

MAX_PLATE_OFFSET = 3.0
"""Largest stored difference between the exposure for plates and for the lane, in stops.

A plate that is darker than the previous ones by this much still has a brightness of 70. It is found, and then measured
itself.
"""

OFFSET_HALF_LIFE_S = 600.0
"""Seconds in which the stored difference decays to half, because the light may change."""

_CURRENT_S, _BACKGROUND_S = 1.0, 20.0
"""Windows of the median over the lane's light, in seconds: its current value, and its value before a vehicle came."""

_GAMMA = 2.2
_SATURATED = 250.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """Exposure of one picture. ``time_us`` is in microseconds; ``gain`` is analogue times digital, from 1.0."""

    time_us: float
    gain: float

    @property
    def stops(self) -> float:
        """Logarithm to base 2 of time times gain. One stop more is twice as bright."""
        return math.log2(self.time_us * self.gain)


@dataclass(frozen=True, slots=True)
class ExposureLimits:
    """Limits of a request. Times are in microseconds; the gain is at least 1.0."""

    min_time_us: float
    max_time_us: float
    max_gain: float

    def exposure(self, stops: float) -> Exposure:
        """Returns the exposure that is nearest to ``stops``. Gain adds noise, so it only follows the longest time."""
        total = 2.0**stops
        time_us = min(max(total, self.min_time_us), self.max_time_us)
        return Exposure(time_us, min(max(total / time_us, 1.0), self.max_gain))


class ExposureControl:
    """Calculates the next exposure from the brightness of pictures. Times are in seconds on one monotonic clock.

    Attributes:
        plate_deficit: Stops by which the last plate is too dark at the longest time and the highest gain, at least 0.0.
    """

    def __init__(self, limits: ExposureLimits) -> None:
        self._limits = limits
        self._lane: deque[tuple[float, float]] = deque()
        self._plate: tuple[float, float] | None = None
        self._offset, self._offset_s = 0.0, 0.0
        self._requested: Exposure | None = None
        self._requested_s = self._step_s = -math.inf
        self._is_changing = False
        self.plate_deficit = 0.0

    def needs_lane_brightness(self, now_s: float) -> bool:
        """Returns whether the lane should be measured now: not while a plate is visible, nor shortly after."""
        is_due = not self._lane or now_s - self._lane[-1][0] >= LANE_INTERVAL_S
        return is_due and not self._plate_is_recent(now_s)

    def add_lane_brightness(self, brightness: float, used: Exposure, now_s: float) -> None:
        """Adds the mean brightness (0-255) of the lane in a picture with exposure ``used``."""
        self._lane.append((now_s, _light_stops(brightness) - used.stops))
        while now_s - self._lane[0][0] > _BACKGROUND_S:
            self._lane.popleft()

    def add_plate_brightness(self, brightness: float, used: Exposure, now_s: float) -> None:
        """Adds the brightness (0-255) of a plate's bright parts in a picture with exposure ``used``."""
        light = _light_stops(brightness) - used.stops
        target = _light_stops(PLATE_BRIGHTNESS) - light
        nearest = self._limits.exposure(target).stops
        self.plate_deficit = max(0.0, target - nearest)
        self._plate = (now_s, nearest)
        if self._lane:
            offset = nearest - self._lane_stops(_BACKGROUND_S)
            self._decay_offset(now_s)
            self._offset += 0.3 * (min(max(offset, -MAX_PLATE_OFFSET), MAX_PLATE_OFFSET) - self._offset)

    def next_exposure(self, used: Exposure, now_s: float) -> Exposure | None:
        """Returns the exposure to request now; None for no change.

        ``used`` is the exposure of the newest picture. The first call with a measurement always returns an exposure,
        because the automatic exposure of the camera must be replaced.
        """
        if now_s - self._step_s < STEP_INTERVAL_S or not (self._lane or self._plate_is_recent(now_s)):
            return None
        self._step_s = now_s
        # A step starts from the last request, which the pictures may not show yet. The light comes from the pictures.
        start = used if self._requested is None else self._requested
        error = self._target_stops(now_s) - start.stops
        self._is_changing = abs(error) > (STOP_THRESHOLD if self._is_changing else START_THRESHOLD)
        if self._is_changing or self._requested is None:
            self._requested = self._limits.exposure(start.stops + min(max(error / 2, -MAX_STEP), MAX_STEP))
        elif abs(start.stops - used.stops) < MISMATCH_THRESHOLD or now_s - self._requested_s < REQUEST_AGAIN_S:
            return None
        self._requested_s = now_s
        return self._requested

    def _target_stops(self, now_s: float) -> float:
        """Returns the wanted exposure in stops, within the limits."""
        if self._plate is not None and self._plate_is_recent(now_s):
            return self._plate[1]
        self._decay_offset(now_s)
        return self._limits.exposure(self._lane_stops(_CURRENT_S) + self._offset).stops

    def _plate_is_recent(self, now_s: float) -> bool:
        return self._plate is not None and now_s - self._plate[0] < PLATE_HOLD_S

    def _lane_stops(self, window_s: float) -> float:
        """Returns the exposure for the lane alone, in stops, from the last ``window_s`` seconds of measurements."""
        newest_s = self._lane[-1][0]
        light = median(light for at_s, light in self._lane if newest_s - at_s <= window_s)
        return self._limits.exposure(_light_stops(LANE_BRIGHTNESS) - light).stops

    def _decay_offset(self, now_s: float) -> None:
        self._offset *= 0.5 ** (max(0.0, now_s - self._offset_s) / OFFSET_HALF_LIFE_S)
        self._offset_s = now_s


def _light_stops(brightness: float) -> float:
    """Returns the amount of light behind a brightness (0-255), in stops relative to white.

    A saturated brightness counts as at least one stop more.
    """
    saturated = 1.0 if brightness >= _SATURATED else 0.0
    return _GAMMA * math.log2(max(brightness, 1.0) / 255.0) + saturated
