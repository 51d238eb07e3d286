"""The structure of a JPEG file: its markers, its frame and its scans (ITU-T T.81, annex B). No pixels are decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass

START = b"\xff\xd8"
END = b"\xff\xd9"

_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
"""Marker of a segment that has a length, or of the end of the image (T.81, table B.1)."""

_SCAN, _END = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # without DHT, JPG and DAC
_HEADER_BYTES = 1 << 18
"""Bytes in which the header is searched. EXIF data with a preview take up to 64 KB before the picture's own tables."""
_HEADER_MARKER = re.compile(rb"\xff[\xc0-\xcf\xda-\xdf\xe0-\xef\xfe]")
_ALL = frozenset(range(64))  # the coefficients of a block


@dataclass(frozen=True, slots=True)
class Scan:
    """The header of a scan: its components, and the first pass over some coefficients or a refinement of them."""

    components: frozenset[int]
    coefficients: frozenset[int]
    refines: bool


@dataclass(frozen=True, slots=True)
class Structure:
    """What a file holds, up to its end or to the end of its first image.

    Attributes:
        components: Identifiers of the frame's components; empty without a frame.
        scans: Headers of the scans.
        is_ended: Whether the end of the image is marked.
        usable: Bytes up to the last segment that is whole, or all if the file ends in the data of a scan.
    """

    components: tuple[int, ...]
    scans: tuple[Scan, ...]
    is_ended: bool
    usable: int

    @property
    def is_shown(self) -> bool:
        """Whether the scans without the last one show every row, if only coarsely."""
        return self._covers(self.scans[:-1])

    @property
    def is_completed_by_last_scan(self) -> bool:
        """Whether the last scan shows the rows that it reaches."""
        return not self.is_shown and self._covers(self.scans)

    def _covers(self, scans: tuple[Scan, ...]) -> bool:
        """Whether ``scans`` hold a first pass over all coefficients. In YCbCr, the luminance alone shows a plate."""
        needed = self.components if len(self.components) == 4 else self.components[:1]
        return bool(needed) and all(
            frozenset().union(*(one.coefficients for one in scans if not one.refines and component in one.components))
            == _ALL
            for component in needed
        )


def count_scans(content: bytes, most: int) -> int:
    """Returns the number of scans of the first image in ``content``; stops at ``most`` + 1."""
    position = scans = 0
    while scans <= most and (marker := _MARKER.search(content, position)) and marker[1][0] != _END:
        scans += marker[1][0] == _SCAN
        position = marker.end() + max(2, int.from_bytes(content[marker.end() : marker.end() + 2], "big"))
    return scans


def read_structure(content: bytes) -> Structure:
    """Returns the structure of ``content``, which starts with ``START``."""
    components: tuple[int, ...] = ()
    scans: list[Scan] = []
    position = len(START)
    while marker := _MARKER.search(content, position):
        if marker[1][0] == _END:
            return Structure(components, tuple(scans), True, marker.end())
        length = max(2, int.from_bytes(content[marker.end() : marker.end() + 2], "big"))
        position = marker.end() + length
        if position > len(content):
            return Structure(components, tuple(scans), False, marker.start())
        body = content[marker.end() + 2 : position]
        if marker[1][0] in _FRAMES:
            components = tuple(body[6::3])
        elif marker[1][0] == _SCAN:
            scans.append(_scan(body))
    return Structure(components, tuple(scans), False, len(content))


def restore_start(content: bytes) -> bytes | None:
    """Returns the picture of a file whose first bytes are missing, or that has other bytes in front of the picture.

    A picture starts at a chain of segments that leads over a frame to a scan. Of several chains, as in a file with a
    preview in its EXIF data, that of the largest frame counts, from its first segment. Returns None without a chain, or
    if the chain is in the second half of the file: it is then that of a preview behind the picture.
    """
    sizes: dict[int, int] = {}
    for marker in reversed(list(_HEADER_MARKER.finditer(content, 0, _HEADER_BYTES))):
        start, kind = marker.start(), content[marker.start() + 1]
        length = int.from_bytes(content[start + 2 : start + 4], "big")
        if kind == _SCAN:
            sizes[start] = 0
        elif start + 2 + length in sizes:
            size = 0
            if kind in _FRAMES:
                height, width = (int.from_bytes(content[start + at : start + at + 2], "big") for at in (5, 7))
                size = height * width
            sizes[start] = max(size, sizes[start + 2 + length])
    best = max(sizes, key=lambda start: (sizes[start], -start), default=None)
    if best is None or not sizes[best] or 2 * best > len(content):
        return None
    return START + content[best:]


def _scan(body: bytes) -> Scan:
    """Reads the header of a scan (T.81, B.2.3)."""
    count = body[0] if body else 0
    components = frozenset(body[1 : 1 + 2 * count : 2])
    first, last, approximation = (*body[1 + 2 * count : 4 + 2 * count], 0, 0, 0)[:3]
    return Scan(components, frozenset(range(first, last + 1)), approximation >> 4 > 0)
