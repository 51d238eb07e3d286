"""A lane under any light, as a Pi's camera would show it: pictures with the metadata that libcamera gives with them.

The camera obeys late, rounds times to rows and gains to the sensor's steps, and shows what it used in the metadata of
each picture, under the real names. Above the lane is the sky, ten times as bright, which must not matter.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np

from edge_lpr.cameras.metering import LightMeter
from edge_lpr.cameras.pi_exposure import create_exposure
from edge_lpr.config import PiCameraSettings
from edge_lpr.frames import Frame
from edge_lpr.geometry import Quad, Rect
from edge_lpr.plates import ALPHABET, COLORS, Category, Color
from edge_lpr.readings import PlateReading

HEIGHT, WIDTH = 192, 320
LANE = ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0))
PLATE = Rect(128, 128, 64, 32)
ADVERTISED = {"AeEnable": (False, True, True), "ExposureTime": (29, 66_666, 20_000), "AnalogueGain": (1.0, 16.0, 1.0)}
"""As ``Picamera2.camera_controls`` gives them: minimum, maximum, default."""

ROW_US = 29.0
_SENSITIVITY = 1.2e-8
"""In the sun, 100,000 lux, the lane is middle grey at 150 microseconds: an aperture of 2 and ISO 100."""

Light = Callable[[float], float]
"""Lux at a second; of a plate, 0.0 while none is there."""


@dataclass(frozen=True)
class Shown:
    """One picture: brightness 0-255 of the lane, and of the plate's bright parts, None without one."""

    at_s: float
    metadata: Mapping[str, Any]
    lane: float
    plate: float | None
    asked: Mapping[str, object] | None

    @property
    def time_us(self) -> float:
        return float(self.metadata["ExposureTime"])

    @property
    def gain(self) -> float:
        return float(self.metadata["AnalogueGain"])


@dataclass
class Scene:
    """``tone`` is the exponent of the picture's tone curve, ``delay`` the frames until the camera obeys."""

    lane: Light
    plate: Light = lambda at_s: 0.0
    fps: float = 10.0
    delay: int = 5
    tone: float = 2.2
    flicker: float = 0.0
    settings: PiCameraSettings = field(default_factory=PiCameraSettings)

    def play(self, seconds: float) -> Iterator[Shown]:
        """The pictures, with the exposure that the product asks for, from the camera's own automatic on."""
        meter = LightMeter(LANE)
        exposure = create_exposure(ADVERTISED, self.settings, meter, "Pi camera 0")
        assert exposure is not None
        random = np.random.default_rng(5)
        pipeline: deque[tuple[float, float]] = deque([(20_000.0, 1.0)] * (self.delay + 1))
        for number in range(int(seconds * self.fps)):
            at_s = number / self.fps
            used = pipeline.popleft()
            wave = 1 + self.flicker * random.uniform(-1, 1)
            lane, plate = self._value(self.lane(at_s) * wave, used), self._value(self.plate(at_s), used)
            image = np.full((HEIGHT, WIDTH, 3), self._value(10 * self.lane(at_s), used), np.uint8)
            image[HEIGHT // 2 :] = lane
            is_there = self.plate(at_s) > 0
            if is_there:
                image[PLATE.y : PLATE.y + PLATE.height, PLATE.x : PLATE.x + PLATE.width] = plate
            frame = Frame(image, number, at_s, datetime.now(UTC), "Pi camera 0")
            metadata = self._metadata(at_s, used)
            asked = exposure.add_frame(frame, metadata)
            if is_there:
                meter.add_frame(frame, [reading()])
            pipeline.append(self._obey(asked, pipeline[-1] if pipeline else used))
            yield Shown(at_s, metadata, lane, plate if is_there else None, asked)

    def _value(self, lux: float, used: tuple[float, float]) -> int:
        linear = min(1.0, _SENSITIVITY * lux * used[0] * used[1])
        return round(255 * float(linear ** (1 / self.tone)))

    def _metadata(self, at_s: float, used: tuple[float, float]) -> dict[str, Any]:
        return {
            "SensorTimestamp": round(at_s * 1e9),
            "ExposureTime": round(used[0]),
            "AnalogueGain": used[1],
            "DigitalGain": 1.000302791595459,
            "FrameDuration": round(1e6 / self.fps),
            "Lux": self.lane(at_s),
            "AeState": 2,
            "ColourGains": (1.9, 1.6),
            "ColourTemperature": 4600,
            "SensorTemperature": 41.0,
            "FocusFoM": 1200,
        }

    @staticmethod
    def _obey(asked: Mapping[str, object] | None, before: tuple[float, float]) -> tuple[float, float]:
        if asked is None:
            return before
        assert asked["AeEnable"] is False
        time_us, gain = asked["ExposureTime"], asked["AnalogueGain"]
        assert isinstance(time_us, int) and isinstance(gain, float)
        assert ADVERTISED["ExposureTime"][0] <= time_us <= ADVERTISED["ExposureTime"][1]
        assert ADVERTISED["AnalogueGain"][0] <= gain <= ADVERTISED["AnalogueGain"][1]
        # An IMX219's gain is 256 / (256 - n).
        return max(1, round(time_us / ROW_US)) * ROW_US, 256 / (256 - round(256 - 256 / gain))


def reading() -> PlateReading:
    """A plate at ``PLATE``."""
    corners = np.array([(128, 128), (192, 128), (192, 160), (128, 160)], np.float32)
    evidence = np.full((7, len(ALPHABET)), 1 / len(ALPHABET), np.float32)
    colors = np.full(len(COLORS), 1 / len(COLORS), np.float32)
    return PlateReading(
        "京N8F2K6", 99, Color.BLUE, Category.STANDARD, 1, Quad.from_array(corners), PLATE, 0.9, evidence, colors
    )
