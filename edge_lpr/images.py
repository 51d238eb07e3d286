"""Pictures that people hand us, as arrays: photos on disk and photos in requests.

Every limit is checked on the header, before a pixel is decoded, so a small file cannot claim a huge memory.
"""

from __future__ import annotations

import io
import os
import re
import stat
import warnings
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from edge_lpr.errors import ImageDecodeFailed, ImageEncodeFailed, ImageError, ImageTooLarge

FORMATS = ("JPEG", "PNG", "BMP", "WEBP")
"""What a photo file may be."""

API_FORMATS = ("JPEG", "PNG", "BMP")
"""What ``LicensePlateOCR`` accepts."""

MAX_PIXELS = 64_000_000
"""Default limit; a decoded picture then takes at most 192 MB."""

MAX_BYTES = 32 * 1024 * 1024

MAX_SCANS = 100
"""Of a JPEG; a progressive one has ten or so. Each takes a pass over all pixels for a few bytes of the file, so that
some megabytes of them would be decoded for an hour."""

_SCAN, _END = 0xDA, 0xD9
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])")
"""Of a JPEG's segment with a length, or its end (ITU-T T.81, table B.1)."""

# Pillow warns of large pictures; our own limit is the one that counts, and its message the one that is shown.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_REMEDY = "give a JPEG or PNG photo"

_REFUSED_BY_NAME = ("GIF", "WEBP")
"""Their headers are read too, to say what is wrong. No other decoder of Pillow's even looks at the bytes."""

_KINDS = {"MPO": "JPEG"}
"""Several JPEG pictures in one file, as phones write them; the first is the photo, and every JPEG reader shows it."""


def load_image(
    source: Path | bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    max_bytes: int = MAX_BYTES,
    formats: tuple[str, ...] = FORMATS,
) -> NDArray[np.uint8]:
    """The picture in a file or in the bytes of one: uint8 of shape (H, W, 3), BGR, upright as its EXIF data says.

    Transparent parts become white. Raises ImageTooLarge for more than ``max_bytes`` or ``max_pixels``,
    ImageDecodeFailed for what is no picture of ``formats`` or is damaged, ImageError for a file that cannot be read.
    """
    if isinstance(source, Path):
        content, name = read_file(source, max_bytes), str(source)
    else:
        content, name = source, "The picture"
    _check_size(len(content), name, max_bytes)
    return _decode(content, name, max_pixels, formats)


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
    """The bytes of a file; of one with more than ``max_bytes`` the first, one more than that.

    Raises ImageError for a file that cannot be read.
    """
    try:
        with path.open("rb") as file:
            facts = os.fstat(file.fileno())
            # read() sets aside all that it is asked for, so a small file must not ask for the limit
            expected = min(facts.st_size, max_bytes) if stat.S_ISREG(facts.st_mode) else max_bytes
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


def _decode(content: bytes, name: str, max_pixels: int, formats: tuple[str, ...]) -> NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(content), formats=(*formats, *_REFUSED_BY_NAME)) as picture:
            kind = _KINDS.get(str(picture.format), str(picture.format))
            if kind not in formats:
                raise ImageDecodeFailed(f"{name}: {kind} pictures are not accepted; {_REMEDY}")
            width, height = picture.size
            if width * height > max_pixels:
                raise ImageTooLarge(
                    f"{name}: {width} x {height} pixels are more than the {max_pixels // 1_000_000} million allowed; "
                    "give a smaller picture"
                )
            if kind == "JPEG" and _has_too_many_scans(content):
                raise ImageDecodeFailed(f"{name}: has more than {MAX_SCANS} scans; save it again as an ordinary JPEG")
            pixels = _to_array(picture)
            # Not by Pillow's ImageOps: that writes the EXIF data anew, and trips over what some cameras put there.
            return _turned(pixels, picture.getexif().get(ExifTags.Base.Orientation))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLarge(f"{name}: has far too many pixels; give a smaller picture") from error
    except UnidentifiedImageError as error:
        raise ImageDecodeFailed(f"{name}: is no picture of a kind that is accepted; {_REMEDY}") from error
    except (OSError, SyntaxError, ValueError) as error:  # Pillow's own words for damage of any sort
        reason = " ".join(str(error).split())[:120]
        raise ImageDecodeFailed(f"{name}: is damaged ({reason}); save or send it again") from error


def _has_too_many_scans(content: bytes) -> bool:
    at = scans = 0
    while (found := _MARKER.search(content, at)) and found[1][0] != _END:
        scans += found[1][0] == _SCAN
        if scans > MAX_SCANS:
            return True
        at = found.end() + max(2, int.from_bytes(content[found.end() : found.end() + 2], "big"))
    return False


def _turned(pixels: NDArray[np.uint8], orientation: object) -> NDArray[np.uint8]:
    """Upright; ``orientation`` is EXIF's, 1 to 8, and anything else leaves the pixels as they are."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _to_array(picture: Image.Image) -> NDArray[np.uint8]:
    shown: Image.Image = picture
    if shown.mode.startswith("I") or shown.mode == "F":
        # 16-bit grey; Pillow would cut the values off at 255 instead of scaling them
        grey = np.asarray(shown, dtype=np.float32) / 257
        return np.asarray(cv2.cvtColor(grey.round().clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR), np.uint8)
    if shown.has_transparency_data:
        layered = shown.convert("RGBA")
        opaque = Image.new("RGBA", layered.size, "white")
        opaque.alpha_composite(layered)
        shown = opaque
    # CMYK, YCbCr, palettes and greys all go through RGB; 16-bit colour comes from Pillow at 8 bits
    colored = shown if shown.mode == "RGB" else shown.convert("RGB")
    return np.ascontiguousarray(np.asarray(colored, dtype=np.uint8)[:, :, ::-1])
