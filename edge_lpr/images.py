"""Decodes pictures from users to arrays, and encodes arrays as JPEG.

All limits are checked on the file header before pixels are decoded. So a small file cannot cause a large allocation.
"""

from __future__ import annotations

import io
import logging
import os
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from edge_lpr import incomplete_pictures, jpeg_structure
from edge_lpr.errors import ImageDecodeFailed, ImageEncodeFailed, ImageError, ImageTooLarge

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
"""Accepted formats of photo files."""

API_FORMATS = ("JPEG", "PNG", "BMP")
"""Formats that ``LicensePlateOCR`` accepts."""

MAX_PIXELS = 64_000_000
"""Default limit of pixels. A decoded picture then takes at most 192 MB."""

MAX_BYTES = 32 * 1024 * 1024
"""Default limit of the file size."""

MAX_SCANS = 100
"""Limit of scans in one JPEG. A progressive JPEG has about ten. Each scan costs a pass over all pixels but may take
only a few bytes of the file. So a file of a few megabytes could take an hour to decode."""

# Pillow warns of large pictures. This module has its own limit and its own message.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_REMEDY = "give a JPEG or PNG photo"

_REJECTED_BY_NAME = ("GIF", "WEBP")
"""Formats that are recognised only to name them in the error. Pillow's other decoders never parse the bytes."""

_FORMAT_ALIASES = {"MPO": "JPEG"}
"""MPO holds several JPEG pictures in one file, as phones write them. The first is the photo."""

_FRONT_MISSING = "its first bytes are missing or are not a picture's"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: uint8 of shape (H, W, 3), BGR, upright.
        flaw: What is not whole in the file, for a person; None for a whole file.
    """

    pixels: NDArray[np.uint8]
    flaw: str | None


def load_image(
    source: str | Path | bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    formats: tuple[str, ...] = FORMATS,
) -> NDArray[np.uint8]:
    """Decodes a picture as ``read_picture`` does, and logs what is not whole in its file.

    Returns:
        uint8 of shape (H, W, 3), BGR, upright.

    Raises:
        ImageError: As ``read_picture``.
    """
    picture = read_picture(source, max_pixels=max_pixels, max_bytes=max_bytes, formats=formats)
    if picture.flaw is not None:
        _log.warning("%s: %s", _name_of(source), picture.flaw)
    return picture.pixels


def read_picture(
    source: str | Path | bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    formats: tuple[str, ...] = FORMATS,
) -> Picture:
    """Decodes a picture and rotates it upright by its EXIF orientation. Transparent parts become white.

    A file that was cut short is read if it holds nine tenths of the rows; the others are grey or black. A JPEG is also
    read if its first bytes are missing, or if there are other bytes in front of it.

    Args:
        source: Path of a picture file, or the bytes of one.
        max_pixels: Limit of width times height.
        max_bytes: Limit of the file size.
        formats: Accepted formats, by Pillow's names.

    Raises:
        ImageTooLarge: The file has more than ``max_bytes`` bytes or the picture more than ``max_pixels`` pixels.
        ImageDecodeFailed: The file is not a picture of ``formats``, is damaged, or holds too few rows.
        ImageError: The file cannot be read.
    """
    content = source if isinstance(source, bytes) else read_file(Path(source), max_bytes)
    name = _name_of(source)
    _check_size(len(content), name, max_bytes)
    try:
        return _decode(content, name, max_pixels, formats)
    except UnidentifiedImageError as error:
        whole = jpeg_structure.restore_start(content) if "JPEG" in formats else None
        if whole is None and content.startswith(jpeg_structure.START):
            raise ImageDecodeFailed(f"{name}: is damaged (its header is not whole); save or send it again") from error
        if whole is None:
            raise ImageDecodeFailed(f"{name}: is no picture of a kind that is accepted; {_REMEDY}") from error
    try:
        picture = _decode(whole, name, max_pixels, ("JPEG",))
    except UnidentifiedImageError as error:
        raise ImageDecodeFailed(f"{name}: is damaged ({_FRONT_MISSING}); save or send it again") from error
    return Picture(picture.pixels, "; ".join(part for part in (_FRONT_MISSING, picture.flaw) if part))


def _name_of(source: str | Path | bytes) -> str:
    return "The picture" if isinstance(source, bytes) else str(source)


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Returns ``image``, uint8 of shape (H, W, 3), BGR, as a JPEG file of ``quality`` 0-100.

    Raises ImageEncodeFailed for an image without pixels or with a side of more than 65,500 pixels.
    """
    height, width = image.shape[:2]
    failed = f"A picture of {width} x {height} pixels cannot be encoded as JPEG."
    try:
        is_encoded, content = cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, quality))
    except cv2.error as error:
        raise ImageEncodeFailed(failed) from error
    if not is_encoded:
        raise ImageEncodeFailed(failed)
    return content.tobytes()


def read_file(path: Path, max_bytes: int) -> bytes:
    """Returns the bytes of a file, at most ``max_bytes`` + 1. The extra byte shows that the file is too large.

    Raises ImageError for a file that cannot be read.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            # read(n) allocates n bytes at once, so a small file is not read with the limit as n.
            expected = min(status.st_size, max_bytes) if stat.S_ISREG(status.st_mode) else max_bytes
            return file.read(expected + 1)
    except FileNotFoundError as error:
        raise ImageError(f"{path}: no such file; check the path") from error
    except IsADirectoryError as error:
        raise ImageError(f"{path}: is a folder; name the photos in it") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _check_size(size: int, name: str, max_bytes: int) -> None:
    if size > max_bytes:
        raise ImageTooLarge(f"{name}: more than {max_bytes / 1_048_576:.0f} MB; give a smaller picture")
    if size == 0:
        raise ImageDecodeFailed(f"{name}: is empty; {_REMEDY}")


def _decode(content: bytes, name: str, max_pixels: int, formats: tuple[str, ...]) -> Picture:
    """Decodes ``content``. Raises UnidentifiedImageError for one that Pillow does not know."""
    try:
        with Image.open(io.BytesIO(content), formats=(*formats, *_REJECTED_BY_NAME)) as picture:
            _check_header(picture, content, name, max_pixels, formats)
            return _read_upright(picture, content, name)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(f"{name}: has far too many pixels; give a smaller picture") from error
    except UnidentifiedImageError:
        raise
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises these for damaged files
        reason = incomplete_pictures.missing_bytes(content) or " ".join(str(error).split())[:120]
        raise ImageDecodeFailed(f"{name}: is damaged ({reason}); save or send it again") from error


def _check_header(picture: ImageFile, content: bytes, name: str, max_pixels: int, formats: tuple[str, ...]) -> None:
    """Checks the limits before any pixel is decoded."""
    picture_format = _FORMAT_ALIASES.get(str(picture.format), str(picture.format))
    if picture_format not in formats:
        raise ImageDecodeFailed(f"{name}: {picture_format} pictures are not accepted; {_REMEDY}")
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageTooLarge(
            f"{name}: {width} x {height} pixels are more than the {max_pixels // 1_000_000} million allowed; "
            "give a smaller picture"
        )
    if picture_format == "JPEG" and jpeg_structure.count_scans(content, MAX_SCANS) > MAX_SCANS:
        raise ImageDecodeFailed(f"{name}: has more than {MAX_SCANS} scans; save it again as an ordinary JPEG")


def _read_upright(picture: ImageFile, content: bytes, name: str) -> Picture:
    try:
        return Picture(_upright(picture), None)
    except (OSError, SyntaxError, ValueError):
        completed = incomplete_pictures.complete(content, picture)
        if completed is None:
            raise
    if not completed.is_enough:
        raise ImageDecodeFailed(f"{name}: {completed.describe()}; save or send it again")
    picture_format = _FORMAT_ALIASES.get(str(picture.format), str(picture.format))
    with Image.open(io.BytesIO(completed.content), formats=(picture_format,)) as whole:
        return Picture(_upright(whole), completed.flaw)


def _upright(picture: Image.Image) -> NDArray[np.uint8]:
    pixels = _to_array(picture)
    # Pillow's ImageOps.exif_transpose also rewrites the EXIF data, and fails on the data of some cameras.
    return _rotate_upright(pixels, picture.getexif().get(ExifTags.Base.Orientation))


def _rotate_upright(pixels: NDArray[np.uint8], orientation: object) -> NDArray[np.uint8]:
    """Undoes the EXIF orientation 1 to 8. Another value leaves the pixels unchanged."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _to_array(picture: Image.Image) -> NDArray[np.uint8]:
    opaque: Image.Image = picture
    if picture.mode.startswith("I") or picture.mode == "F":
        # 16-bit grey. Pillow clips the values at 255 instead of scaling them.
        grey = np.asarray(picture, dtype=np.float32) / 257
        return np.asarray(cv2.cvtColor(grey.round().clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR), np.uint8)
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        opaque = Image.new("RGBA", layer.size, "white")
        opaque.alpha_composite(layer)
    # CMYK, YCbCr, palettes and grey are converted to RGB. Pillow itself reduces 16-bit colour to 8 bits.
    rgb = opaque if opaque.mode == "RGB" else opaque.convert("RGB")
    return np.ascontiguousarray(np.asarray(rgb, dtype=np.uint8)[:, :, ::-1])
