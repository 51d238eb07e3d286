"""Completes pictures whose files were cut short. Cameras and interrupted transfers leave such files.

How many rows a file holds is measured. A JPEG is decoded with its end marked at the cut, and again with other bytes in
place of the missing ones: the first row that differs is the first one that the file does not hold. In a PNG the rows
are counted while they are decompressed; in a BMP they have a fixed size.
"""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from edge_lpr import jpeg_structure

MIN_ROWS = 0.9
"""Least share of rows with which a picture is read."""

_FILLINGS = (b"\x55\x1b\xa7\x3c\xe2\x91\x6d\x08" * 64, b"\xb4\x2e\x59\xc3\x16\x8a\xf1\x7d" * 64)
"""Bytes in place of the missing ones. They differ from each other and hold no marker."""

_PIECE = 1 << 20
_PNG_START = 8  # bytes of the signature
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type


@dataclass(frozen=True, slots=True)
class Completed:
    """A file that was cut short, completed so that it can be decoded.

    Attributes:
        content: The completed file. Rows that were missing are grey or black.
        rows: Rows that the file holds.
        height: Rows of the picture.
        is_coarse: Whether some of these rows may lack detail or colour, as in a progressive JPEG.
    """

    content: bytes
    rows: int
    height: int
    is_coarse: bool = False

    @property
    def is_enough(self) -> bool:
        """Whether the picture is worth reading."""
        return self.rows >= MIN_ROWS * self.height

    @property
    def flaw(self) -> str | None:
        """What is missing; None if only the mark at the end of the file is."""
        return self.describe() if self.rows < self.height or self.is_coarse else None

    def describe(self) -> str:
        """Returns what is there, for a person."""
        coarse = ", some may lack detail or colour" if self.is_coarse else ""
        return f"is cut short: {self.rows} of {self.height} rows are there{coarse}"


def complete(content: bytes, picture: ImageFile.ImageFile) -> Completed | None:
    """Completes ``content``, whose header Pillow read as ``picture``.

    Returns None if the file was not cut short, or if its format does not allow to complete it.
    """
    if picture.format in ("JPEG", "MPO"):
        return _complete_jpeg(content, picture.height)
    if picture.format == "PNG":
        return _complete_png(content, picture.height)
    if picture.format == "BMP":
        return _complete_bmp(content, picture)
    return None


def missing_bytes(content: bytes) -> str | None:
    """Returns how much of a WebP file is there, for a person; None if it is whole or of another format.

    Its decoder gives no rows of a file that was cut short.
    """
    size = 8 + int.from_bytes(content[4:8], "little")
    if content[:4] != b"RIFF" or len(content) >= size:
        return None
    return f"it is cut short: {len(content)} of {size} bytes are there"


def _complete_jpeg(content: bytes, height: int) -> Completed | None:
    structure = jpeg_structure.read_structure(content)
    if structure.is_ended:
        return None
    held = content[: structure.usable].rstrip(b"\xff")
    completed = held + jpeg_structure.END
    if structure.usable < len(content):  # cut between two scans: the last one is whole
        rows = height if structure.is_shown or structure.is_completed_by_last_scan else 0
        return Completed(completed, rows, height, is_coarse=rows > 0)
    if structure.is_shown:
        return Completed(completed, height, height, is_coarse=True)
    rows = _rows_held(held, height) if structure.is_completed_by_last_scan else 0
    return Completed(completed, rows, height, is_coarse=len(structure.scans) > 1)


def _rows_held(held: bytes, height: int) -> int:
    """Returns the first row that depends on bytes after ``held``; ``height`` if none does."""
    ended = _jpeg_rows(held + jpeg_structure.END)
    if ended is None:
        return 0
    rows = height
    for filling in _FILLINGS:
        filled = _jpeg_rows(held + filling + jpeg_structure.END)
        if filled is not None:
            differs = (filled != ended).reshape(len(ended), -1).any(axis=1)
            rows = min(rows, int(differs.argmax()) if differs.any() else height)
    return rows


def _jpeg_rows(content: bytes) -> NDArray[np.uint8] | None:
    """Returns the decoded rows, None if libjpeg rejects the file."""
    try:
        with Image.open(io.BytesIO(content), formats=("JPEG",)) as picture:
            return np.asarray(picture, np.uint8)
    except (OSError, SyntaxError, ValueError):  # Pillow raises these for damaged files
        return None


def _complete_png(content: bytes, height: int) -> Completed | None:
    header, others, data = _png_chunks(content)
    width, _, depth, color, _, _, is_interlaced = struct.unpack(">IIBBBBB", header)
    if is_interlaced:
        return Completed(content, 0, height)  # its rows are spread over seven passes
    row = 1 + (width * depth * _PNG_CHANNELS.get(color, 4) + 7) // 8
    try:
        whole, held = _filled_up(data, row * height)
    except zlib.error:
        return None
    chunks = ((b"IHDR", header), *others, (b"IDAT", whole), (b"IEND", b""))
    return Completed(content[:_PNG_START] + b"".join(_png_chunk(*chunk) for chunk in chunks), held // row, height)


def _filled_up(data: bytes, size: int) -> tuple[bytes, int]:
    """Returns compressed ``data`` with zeros up to ``size`` bytes of content, and the content's bytes without them.

    The content is never held as a whole: a small file may decompress to hundreds of megabytes. Raises zlib.error.
    """
    inflate, deflate = zlib.decompressobj(), zlib.compressobj(1)
    parts: list[bytes] = []
    held = 0
    while held < size and (piece := inflate.decompress(data, min(_PIECE, size - held))):
        parts.append(deflate.compress(piece))
        held += len(piece)
        data = inflate.unconsumed_tail
    for start in range(held, size, _PIECE):
        parts.append(deflate.compress(bytes(min(_PIECE, size - start))))
    return b"".join((*parts, deflate.flush())), held


def _png_chunks(content: bytes) -> tuple[bytes, list[tuple[bytes, bytes]], bytes]:
    """Returns the header, the chunks between header and data, and the data as far as they are there."""
    header, others, data = b"", [], []
    position = _PNG_START
    while position + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[position : position + 8])
        body = content[position + 8 : position + 8 + length]
        if kind == b"IHDR":
            header = body
        elif kind == b"IDAT":
            data.append(body)
        elif not data and len(body) == length:
            others.append((kind, body))
        position += 12 + length
    return header, others, b"".join(data)


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _complete_bmp(content: bytes, picture: ImageFile.ImageFile) -> Completed | None:
    decoder, _, offset, arguments = picture.tile[0]
    if decoder != "raw" or not isinstance(arguments, tuple):  # run-length encoded rows have no fixed size
        return None
    stride = int(arguments[1])
    rows = max(0, len(content) - offset) // stride
    if rows >= picture.height:
        return None
    return Completed(content.ljust(offset + stride * picture.height, b"\0"), rows, picture.height)
