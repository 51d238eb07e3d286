"""Reads the camera's frames, and updates the light meter."""

from __future__ import annotations

from edge_lpr.cameras import LightMeter
from edge_lpr.frames import Frame
from edge_lpr.readings import PlateReading
from edge_lpr.service.delivery import FrameObserver
from edge_lpr.vision.reader import PlateReader


class CameraReader:
    """Reads frames and measures the light on their plates.

    ``observer``, if any, receives the plates that are too narrow to read.
    """

    def __init__(self, reader: PlateReader, light_meter: LightMeter, observer: FrameObserver | None) -> None:
        self._reader = reader
        self._light_meter = light_meter
        self._on_narrow = None if observer is None else observer.add_narrow_plates

    def replace_reader(self, reader: PlateReader) -> None:
        """Uses ``reader`` from the next frame on. From any thread."""
        self._reader = reader

    def read(self, frame: Frame) -> list[PlateReading]:
        """Returns the plates in ``frame``, best first."""
        readings = self._reader.read(frame.image, on_narrow_plates=self._on_narrow, single_scale=True)
        self._light_meter.add_frame(frame, readings)
        return readings
