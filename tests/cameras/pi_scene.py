"""Simulates a Pi camera above a lane under any light: pictures with the metadata of libcamera.

The camera applies controls some frames later. It rounds times to rows and gains to the steps of the sensor. The
metadata of each picture gives the exposure under the real names. The sky above the lane is ten times as bright and
must not influence the exposure.
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
"""Minimum, maximum and default, in the form of ``Picamera2.camera_controls``."""

ROW_US = 29.0
_SENSITIVITY = 1.2e-8
"""The lane in the sun (100,000 lux) is middle grey at 150 microseconds: aperture f/2 and ISO 100."""

Light = Callable[[float], float]
"""Lux at a time in seconds. For a plate, 0.0 means that there is none."""


@dataclass(frozen=True)
class Shown:
    """One picture: brightness (0-255) of the lane and of the plate's bright parts (None without a plate)."""

    at_s: float
    metadata: Mapping[str, Any]
    lane: float
    plate: float | None
    controls: Mapping[str, object] | None

    @property
    def time_us(self) -> float:
        return float(self.metadata["ExposureTime"])

    @property
    def gain(self) -> float:
        return float(self.metadata["AnalogueGain"])


@dataclass
class Scene:
    """A simulated scene.

    ``tone`` is the exponent of the tone curve, ``delay`` the number of frames until a control takes effect.
    """

    lane: Light
    plate: Light = lambda at_s: 0.0
    fps: float = 10.0
    delay: int = 5
    tone: float = 2.2
    flicker: float = 0.0
    settings: PiCameraSettings = field(default_factory=PiCameraSettings)

    def play(self, seconds: float) -> Iterator[Shown]:
        """Yields the pictures under exposure control. The first ones have the automatic exposure of the camera."""
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
            controls = exposure.add_frame(frame, metadata)
            if is_there:
                meter.add_frame(frame, [reading()])
            pipeline.append(self._apply(controls, pipeline[-1] if pipeline else used))
            yield Shown(at_s, metadata, lane, plate if is_there else None, controls)

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
    def _apply(controls: Mapping[str, object] | None, before: tuple[float, float]) -> tuple[float, float]:
        if controls is None:
            return before
        assert controls["AeEnable"] is False
        time_us, gain = controls["ExposureTime"], controls["AnalogueGain"]
        assert isinstance(time_us, int) and isinstance(gain, float)
        assert ADVERTISED["ExposureTime"][0] <= time_us <= ADVERTISED["ExposureTime"][1]
        assert ADVERTISED["AnalogueGain"][0] <= gain <= ADVERTISED["AnalogueGain"][1]
        # The gain of an IMX219 is 256 / (256 - n).
        return max(1, round(time_us / ROW_US)) * ROW_US, 256 / (256 - round(256 - 256 / gain))


def reading() -> PlateReading:
    """Returns a reading at ``PLATE``."""
    corners = np.array([(128, 128), (192, 128), (192, 160), (128, 160)], np.float32)
    character_probabilities = np.full((7, len(ALPHABET)), 1 / len(ALPHABET), np.float32)
    colors = np.full(len(COLORS), 1 / len(COLORS), np.float32)
    return PlateReading(
        "京N8F2K6",
        99,
        Color.BLUE,
        Category.STANDARD,
        1,
        Quad.from_array(corners),
        PLATE,
        0.9,
        character_probabilities,
        colors,
    )
