"""How long and with what gain the sensor should look, so that plates come out neither black nor white nor smeared.

Pure reckoning, in stops (powers of two), on what pictures showed and the exposure they were taken with. A brightness
divided by its exposure is the light of the scene, whatever the exposure was: so the wanted exposure does not swing with
the one in use, and a camera that takes many frames to obey does not make it overshoot.

The lane tells the light while nobody is there. A plate in sight knows better: at night it shines in the headlights of
the next car, by day it lies in the shade under the bonnet. How far plates were off the lane's exposure is remembered
for a while, so that the next one comes out better from its first picture on.

The camera's own automatic looks at the whole picture and takes long exposures before gain: the longest of its "short"
mode is 120 ms (https://github.com/raspberrypi/picamera2/issues/634), in which a car at 10 km/h drives 33 cm.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

LANE_BRIGHTNESS = 105.0
"""Wanted of an empty lane (mean, 0-255) until plates have told better."""

PLATE_BRIGHTNESS = 185.0
"""Wanted of a plate's bright parts (0-255): its characters or its ground. Above 250 they bleed into each other."""

LANE_INTERVAL_S = 0.1
"""Between two looks at the lane. Many are needed: lamps flicker, and each picture is of another moment of that."""

STEP_INTERVAL_S = 0.3
"""Between two changes; the camera obeys some ten frames later."""

MAX_STEP = 1.0
"""Stops that one change has at most."""

START_THRESHOLD, STOP_THRESHOLD = 0.35, 0.12
"""Stops. A change begins when the exposure is so far off, and ends when it is so near: 100 Hz lamps and the sensor's
rounding leave it alone. The camera ignores changes below 0.03 (https://github.com/raspberrypi/picamera2/issues/1109).
"""

MISMATCH_THRESHOLD, REQUEST_AGAIN_S = 1.0, 5.0
"""Stops between what was asked for and what is used, so many seconds later, that make it worth asking again."""

PLATE_HOLD_S = 2.0
"""How long the last plate's word goes before the lane's."""

MAX_PLATE_OFFSET = 3.0
"""Stops that the lane's exposure is changed by for plates of the past. One that is darker than they were by so much
still comes out at 70, and is found; and found, it has its own word."""

OFFSET_HALF_LIFE_S = 600.0
"""Seconds in which half of that difference is forgotten: the light may come from elsewhere by then."""

_CURRENT_S, _BACKGROUND_S = 1.0, 20.0
"""The lane's light now is the median over the first, to follow it; that before a vehicle came, over the second."""

_GAMMA = 2.2
_SATURATED = 250.0


@dataclass(frozen=True, slots=True)
class Exposure:
    """Of one picture. ``time_us`` in microseconds; ``gain`` is analogue and digital together, 1.0 or more."""

    time_us: float
    gain: float

    @property
    def stops(self) -> float:
        """One more is twice as bright."""
        return math.log2(self.time_us * self.gain)


@dataclass(frozen=True, slots=True)
class ExposureLimits:
    """What may be asked for: times in microseconds, and a gain from 1.0 on."""

    min_time_us: float
    max_time_us: float
    max_gain: float

    def exposure(self, stops: float) -> Exposure:
        """The exposure of so many stops, or the nearest: gain only where time does not suffice, as gain is noise."""
        total = 2.0**stops
        time_us = min(max(total, self.min_time_us), self.max_time_us)
        return Exposure(time_us, min(max(total / time_us, 1.0), self.max_gain))


class ExposureControl:
    """Told of pictures, it says when to expose otherwise. Times in seconds on any one clock that grows."""

    def __init__(self, limits: ExposureLimits) -> None:
        self._limits = limits
        self._lane: deque[tuple[float, float]] = deque()
        self._plate: tuple[float, float] | None = None
        self._offset, self._offset_s = 0.0, 0.0
        self._requested: Exposure | None = None
        self._requested_s = self._step_s = -math.inf
        self._is_moving = False
        self.plate_deficit = 0.0
        """Stops that the last plate is darker than wanted, at the longest time and the highest gain; 0.0 at the least.
        """

    def needs_lane_brightness(self, now_s: float) -> bool:
        """Whether a look at the lane would tell anything new: not while a plate is in sight, or just was."""
        is_due = not self._lane or now_s - self._lane[-1][0] >= LANE_INTERVAL_S
        return is_due and not self._plate_is_recent(now_s)

    def add_lane_brightness(self, brightness: float, used: Exposure, now_s: float) -> None:
        """A picture's lane has this mean brightness (0-255)."""
        self._lane.append((now_s, _stops(brightness) - used.stops))
        while now_s - self._lane[0][0] > _BACKGROUND_S:
            self._lane.popleft()

    def add_plate_brightness(self, brightness: float, used: Exposure, now_s: float) -> None:
        """A plate's bright parts have this brightness (0-255)."""
        light = _stops(brightness) - used.stops
        wanted = _stops(PLATE_BRIGHTNESS) - light
        nearest = self._limits.exposure(wanted).stops
        self.plate_deficit = max(0.0, wanted - nearest)
        self._plate = (now_s, nearest)
        if self._lane:
            found = nearest - self._lane_stops(_BACKGROUND_S)
            self._decay_offset(now_s)
            self._offset += 0.3 * (min(max(found, -MAX_PLATE_OFFSET), MAX_PLATE_OFFSET) - self._offset)

    def next_exposure(self, used: Exposure, now_s: float) -> Exposure | None:
        """The exposure to ask for now; None to leave it, but never at first, when the camera's automatic still has it.
        ``used`` is that of the newest picture."""
        if now_s - self._step_s < STEP_INTERVAL_S or not (self._lane or self._plate_is_recent(now_s)):
            return None
        self._step_s = now_s
        wanted = self._target_stops(now_s)
        # On from what was asked for, which the pictures may not show yet. The light is reckoned from what they do show.
        before = used if self._requested is None else self._requested
        off = wanted - before.stops
        self._is_moving = abs(off) > (STOP_THRESHOLD if self._is_moving else START_THRESHOLD)
        if self._is_moving or self._requested is None:
            self._requested = self._limits.exposure(before.stops + min(max(off / 2, -MAX_STEP), MAX_STEP))
        elif (
            abs(self._requested.stops - used.stops) < MISMATCH_THRESHOLD or now_s - self._requested_s < REQUEST_AGAIN_S
        ):
            return None
        self._requested_s = now_s
        return self._requested

    def _target_stops(self, now_s: float) -> float:
        """Stops, within the limits."""
        if self._plate is not None and self._plate_is_recent(now_s):
            return self._plate[1]
        self._decay_offset(now_s)
        return self._limits.exposure(self._lane_stops(_CURRENT_S) + self._offset).stops

    def _plate_is_recent(self, now_s: float) -> bool:
        return self._plate is not None and now_s - self._plate[0] < PLATE_HOLD_S

    def _lane_stops(self, window_s: float) -> float:
        """What the lane alone calls for, in stops, by its light over the last ``window_s`` that it was seen in."""
        newest_s = self._lane[-1][0]
        light = median(light for at_s, light in self._lane if newest_s - at_s <= window_s)
        return self._limits.exposure(_stops(LANE_BRIGHTNESS) - light).stops

    def _decay_offset(self, now_s: float) -> None:
        self._offset *= 0.5 ** (max(0.0, now_s - self._offset_s) / OFFSET_HALF_LIFE_S)
        self._offset_s = now_s


def _stops(brightness: float) -> float:
    """The light behind a brightness (0-255), below 0; what is blown out has had at least twice as much."""
    blown = 1.0 if brightness >= _SATURATED else 0.0
    return _GAMMA * math.log2(max(brightness, 1.0) / 255.0) + blown
