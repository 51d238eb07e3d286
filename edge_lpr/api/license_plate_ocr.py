"""The action ``LicensePlateOCR``: from the parameters of a request to the plates. HTTP and MQTT share it.

Source: Tencent Cloud OCR, LicensePlateOCR, version 2018-11-19.
"""

from __future__ import annotations

import binascii
import logging
import threading
from collections.abc import Callable, Mapping, Sequence

from edge_lpr.api.errors import ApiError, ErrorCode, as_api_error
from edge_lpr.errors import ImageError
from edge_lpr.images import API_FORMATS, read_picture
from edge_lpr.readings import PlateReading, ReadPlates

ACTION = "LicensePlateOCR"
VERSION = "2018-11-19"

MAX_BASE64 = 10 * 1024 * 1024
"""The most characters of a picture in Base64, not counting line ends."""

MAX_BYTES = MAX_BASE64 // 4 * 3
"""The most bytes of a picture: they make ``MAX_BASE64`` characters."""

Fetch = Callable[[str], bytes]
"""Downloads a URL: at most ``MAX_BYTES`` bytes. Raises ApiError."""

FlawObserver = Callable[[str], None]
"""Called with what is not whole in the file of a picture that is read nevertheless."""

_LINE_ENDS = str.maketrans("", "", "\r\n")
_log = logging.getLogger(__name__)


def _log_flaw(flaw: str) -> None:
    _log.warning("a requested picture is not whole: %s", flaw)


class LicensePlateOcr:
    """The action. May be called from any thread. One picture at a time is decoded, because a decoded one is large."""

    def __init__(
        self,
        read: ReadPlates,
        fetch: Fetch,
        *,
        max_pixels: int,
        is_open: bool = True,
        on_flaw: FlawObserver = _log_flaw,
    ) -> None:
        """``max_pixels`` bounds a picture and is checked before decoding. ``is_open`` False refuses every request."""
        self._read = read
        self._fetch = fetch
        self._max_pixels = max_pixels
        self._is_open = is_open
        self._on_flaw = on_flaw
        self._one_picture = threading.Lock()

    def __call__(self, parameters: Mapping[str, object]) -> Sequence[PlateReading]:
        """Returns the plates in the picture that ``parameters`` hold, best first, at least one. Raises ApiError."""
        if not self._is_open:
            raise ApiError(ErrorCode.UNOPEN_ERROR)
        content = self._picture(parameters)
        with self._one_picture:
            return self._plates(content)

    def _picture(self, parameters: Mapping[str, object]) -> bytes:
        unknown = sorted(set(parameters) - {"ImageBase64", "ImageUrl"})
        if unknown:
            raise ApiError(ErrorCode.UNKNOWN_PARAMETER, f"The parameter `{_shown(unknown[0])}` is not known.")
        url, base64 = _text(parameters, "ImageUrl"), _text(parameters, "ImageBase64")
        if url is not None:  # it takes precedence over ImageBase64, as the API specifies
            return self._fetch(url)
        if base64 is not None:
            return _decoded(base64)
        raise ApiError(ErrorCode.MISSING_PARAMETER, "Give `ImageBase64` or `ImageUrl`.")

    def _plates(self, content: bytes) -> Sequence[PlateReading]:
        try:
            picture = read_picture(content, max_pixels=self._max_pixels, max_bytes=MAX_BYTES, formats=API_FORMATS)
        except ImageError as error:
            raise as_api_error(error) from error
        if picture.flaw is not None:
            self._on_flaw(picture.flaw)
        try:
            readings = self._read(picture.pixels)
        except Exception as error:  # native code of three libraries: any error must become an answer
            _log.exception("the reader failed on a requested picture of %s", picture.pixels.shape)
            raise ApiError(ErrorCode.UNKNOWN_ERROR) from error
        if not readings:
            raise ApiError(ErrorCode.OCR_FAILED)
        return readings


def _text(parameters: Mapping[str, object], name: str) -> str | None:
    """Returns a parameter's text; None if it is absent or null."""
    value = parameters.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ApiError(ErrorCode.INVALID_PARAMETER, f"`{name}` must be text.")
    if not value:
        raise ApiError(ErrorCode.VALUE_LIMIT, f"`{name}` is empty.")
    return value


def _decoded(base64: str) -> bytes:
    characters = base64.translate(_LINE_ENDS) if "\n" in base64 or "\r" in base64 else base64
    if len(characters) > MAX_BASE64:
        raise ApiError(ErrorCode.TOO_LARGE_FILE)
    try:
        return binascii.a2b_base64(characters, strict_mode=True)
    except ValueError as error:  # binascii.Error is a ValueError; text beyond ASCII raises another one
        raise ApiError(ErrorCode.VALUE_LIMIT, "`ImageBase64` is not Base64.") from error


def _shown(name: str) -> str:
    """Returns a name from the request in a short and printable form, for the answer."""
    return ascii(name[:40])[1:-1]
