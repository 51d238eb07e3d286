"""What of a passage is kept: nothing, its plate cut out, or the whole frame besides."""

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
from edge_lpr.host.clock import clock_synchronized
from edge_lpr.images import encode_jpeg
from edge_lpr.passages import Evidence, Passage

CROP_MARGIN = 0.15
"""Of the plate's width, shown on each side: the frame's screws and the bumper tell a real plate from a printed one."""

JPEG_QUALITY = 85
MEGABYTE = 1024 * 1024

_log = logging.getLogger(__name__)


def evidence_folder(settings: EvidenceSettings, device: DeviceSettings) -> Path:
    """Where the pictures are."""
    return settings.folder or device.state_dir / "evidence"


class EvidenceWriter:
    """Writes pictures as the settings allow. A full or broken disk costs the picture, never the passage."""

    def __init__(
        self,
        settings: EvidenceSettings,
        device: DeviceSettings,
        clock_is_synchronized: Callable[[], bool] = clock_synchronized,
    ) -> None:
        self._settings = settings
        self._archive = EvidenceStore(
            evidence_folder(settings, device), settings.max_megabytes * MEGABYTE, settings.days, clock_is_synchronized
        )
        self._fault: str | None = None

    def store_pictures(self, passage: Passage) -> Evidence | None:
        """Keep what the settings say; None where that is nothing, or where it could not be written."""
        picture = passage.picture
        if self._settings.keep == "off" or picture is None:
            return None
        try:
            crop = self._add(passage, "crop", cut_out(picture.image, picture.rect))
            frame = self._add(passage, "frame", picture.image) if self._settings.keep == "frames" else None
        except OSError as error:
            self._note_fault(f"{error.filename or 'the disk'}: {error.strerror}")
            return None
        except ImageEncodeFailed as error:
            self._note_fault(str(error))
            return None
        self._note_fault(None)
        return Evidence(crop, frame)

    def enforce_limits(self) -> None:
        """Let pictures go that are too old or too many, once an hour, also while nothing is kept any more."""
        try:
            self._archive.enforce_limits()
        except OSError as error:
            self._note_fault(f"{error.filename or 'the disk'}: {error.strerror}")

    def _add(self, passage: Passage, what: str, image: NDArray[np.uint8]) -> str:
        content = encode_jpeg(image, JPEG_QUALITY)
        path = self._archive.add(passage.captured_at, passage.number, what, content)
        return (
            path.as_posix()
            if self._settings.url is None
            else f"{self._settings.url.rstrip('/')}/{quote(path.as_posix())}"
        )

    def _note_fault(self, fault: str | None) -> None:
        if fault is not None and fault != self._fault:
            _log.error("evidence: %s; passages go out without their pictures", fault)
        self._fault = fault


def cut_out(image: NDArray[np.uint8], rect: Rect) -> NDArray[np.uint8]:
    """The plate with a margin, a view of ``image``, uint8 of shape (h, w, 3)."""
    margin = round(CROP_MARGIN * rect.width)
    left, top = max(rect.x - margin, 0), max(rect.y - margin, 0)
    return image[top : rect.y + rect.height + margin, left : rect.x + rect.width + margin]
