"""Writes the pictures of a passage: none, the crop of the plate, or the crop and the whole frame."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from edge_lpr.config import DeviceSettings, EvidenceSettings
from edge_lpr.errors import ImageEncodeFailed
from edge_lpr.evidence.store import EvidenceStore
from edge_lpr.geometry import Rect
from edge_lpr.host.clock import SettledClock
from edge_lpr.images import encode_jpeg
from edge_lpr.passages import Evidence, Passage

CROP_MARGIN = 0.15
"""Margin on each side, as a share of the plate's width.

The screws of the plate's frame and the bumper show whether the plate is real or printed.
"""

JPEG_QUALITY = 85
MEGABYTE = 1024 * 1024

_log = logging.getLogger(__name__)


def evidence_folder(settings: EvidenceSettings, device: DeviceSettings) -> Path:
    """Returns the folder of the pictures."""
    return settings.folder or device.state_dir / "evidence"


class EvidenceWriter:
    """Writes pictures as the settings allow. If the disk is full or broken, only the picture is lost."""

    def __init__(
        self,
        settings: EvidenceSettings,
        device: DeviceSettings,
        clock_is_settled: Callable[[], bool] | None = None,
    ) -> None:
        """``clock_is_settled`` tells whether ages may be trusted; by default ``SettledClock``."""
        self._settings = settings
        self._clock_is_settled = clock_is_settled or SettledClock().is_settled
        self._store = EvidenceStore(
            evidence_folder(settings, device), settings.max_megabytes * MEGABYTE, settings.days, self._clock_is_settled
        )
        self._fault: str | None = None

    def store_pictures(self, passage: Passage) -> Evidence | None:
        """Writes the pictures; returns their paths, or None if none are kept or they could not be written."""
        picture = passage.picture
        if self._settings.keep == "off" or picture is None:
            return None
        try:
            crop = self._add_picture(passage, "crop", crop_plate(picture.image, picture.rect))
            frame = self._add_picture(passage, "frame", picture.image) if self._settings.keep == "frames" else None
        except OSError as error:
            self._report_fault(f"{error.filename or 'the disk'}: {error.strerror}")
            return None
        except ImageEncodeFailed as error:
            self._report_fault(str(error))
            return None
        self._report_fault(None)
        return Evidence(crop, frame)

    def enforce_limits(self) -> None:
        """Deletes pictures that are too old or too many, at most once an hour, also if keeping is now switched off.

        Call it often: each call also looks whether the clock was set.
        """
        self._clock_is_settled()
        try:
            self._store.enforce_limits()
        except OSError as error:
            self._report_fault(f"{error.filename or 'the disk'}: {error.strerror}")

    def _add_picture(self, passage: Passage, kind: str, image: NDArray[np.uint8]) -> str:
        content = encode_jpeg(image, JPEG_QUALITY)
        path = self._store.add_picture(passage.captured_at, passage.number, kind, content)
        return (
            path.as_posix()
            if self._settings.url is None
            else f"{self._settings.url.rstrip('/')}/{quote(path.as_posix())}"
        )

    def _report_fault(self, fault: str | None) -> None:
        if fault is not None and fault != self._fault:
            _log.error("evidence: %s; passages are published without their pictures", fault)
        self._fault = fault


def crop_plate(image: NDArray[np.uint8], rect: Rect) -> NDArray[np.uint8]:
    """Returns the plate with a margin: a view of ``image``, uint8 of shape (h, w, 3)."""
    margin = round(CROP_MARGIN * rect.width)
    left, top = max(rect.x - margin, 0), max(rect.y - margin, 0)
    return image[top : rect.y + rect.height + margin, left : rect.x + rect.width + margin]
