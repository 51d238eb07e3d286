"""Reads the camera's frames, and updates the latest frame and the light meter."""

from __future__ import annotations

from edge_lpr.cameras import LightMeter
from edge_lpr.frames import Frame
from edge_lpr.readings import PlateReading
from edge_lpr.service.delivery import FrameObserver
from edge_lpr.vision.latest_frame import LatestFrame
from edge_lpr.vision.reader_priority import SharedReader


class CameraReader:
    """Reads a frame before any request, keeps it as the latest one, and measures the light on its plates.

    ``observer``, if any, receives the plates that are too narrow to read.
    """

    def __init__(
        self, reader: SharedReader, latest_frame: LatestFrame, light_meter: LightMeter, observer: FrameObserver | None
    ) -> None:
        self._reader = reader
        self._latest_frame = latest_frame
        self._light_meter = light_meter
        self._on_narrow = None if observer is None else observer.add_narrow_plates

    def read(self, frame: Frame) -> list[PlateReading]:
        """Returns the plates in ``frame``, best first."""
        readings = self._reader.read_for_camera(frame.image, self._on_narrow)
        self._latest_frame.update(frame.image, readings)
        self._light_meter.add_frame(frame, readings)
        return readings
