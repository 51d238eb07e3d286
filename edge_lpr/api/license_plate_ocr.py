"""The action ``LicensePlateOCR``: from the parameters of a request to the plates. HTTP and MQTT share it.

Source: Tencent Cloud OCR, LicensePlateOCR, version 2018-11-19.
"""

from __future__ import annotations

import binascii
import logging
from collections.abc import Callable, Mapping, Sequence

from edge_lpr.api.errors import ApiError, ErrorCode, as_api_error
from edge_lpr.api.fair_shares import FairShares
from edge_lpr.api.reading_turns import ACCOUNT, ReadingTurns
from edge_lpr.errors import ImageError
from edge_lpr.images import Picture
from edge_lpr.readings import PlateReading, ReadPlates

ACTION = "LicensePlateOCR"
VERSION = "2018-11-19"

MAX_BASE64 = 10 * 1024 * 1024
"""The most characters of a picture in Base64, not counting line ends."""

MAX_BYTES = MAX_BASE64 // 4 * 3
"""The most bytes of a picture: they make ``MAX_BASE64`` characters."""

MAX_DOWNLOADED = 8 * MAX_BYTES
MAX_DOWNLOADED_BY_ONE = 4 * MAX_BYTES
"""The most bytes of downloaded pictures that wait to be read: of all accounts, and of one."""

Decode = Callable[[bytes], Picture]
"""Decodes a picture file. Raises ImageError."""

Fetch = Callable[[str], bytes]
"""Downloads a URL: at most ``MAX_BYTES`` bytes. Raises ApiError."""

FlawObserver = Callable[[str], None]
"""Called with what is not whole in the file of a picture that is read nevertheless."""

_LINE_ENDS = str.maketrans("", "", "\r\n")
_log = logging.getLogger(__name__)


def _log_flaw(flaw: str) -> None:
    _log.warning("a requested picture is not whole: %s", flaw)


class LicensePlateOcr:
    """The action. May be called from any thread.

    One picture of an account is decoded at a time, and one picture at a time is read; the accounts take turns.
    """

    def __init__(
        self, read: ReadPlates, fetch: Fetch, decode: Decode, *, is_open: bool = True, on_flaw: FlawObserver = _log_flaw
    ) -> None:
        """``is_open`` False refuses every request."""
        self._read = read
        self._fetch = fetch
        self._decode = decode
        self._is_open = is_open
        self._on_flaw = on_flaw
        self._turns = ReadingTurns()
        self._downloaded = FairShares(total=MAX_DOWNLOADED, of_one=MAX_DOWNLOADED_BY_ONE)

    def __call__(self, parameters: Mapping[str, object]) -> Sequence[PlateReading]:
        """Returns the plates in the picture that ``parameters`` hold, best first, at least one. Raises ApiError."""
        if not self._is_open:
            raise ApiError(ErrorCode.UNOPEN_ERROR)
        url, base64 = _picture(parameters)
        if url is not None:  # it takes precedence over ImageBase64, as the API specifies
            return self._read_download(self._fetch(url))
        with self._turns.of_account():
            return self._plates(_decoded(base64))

    def _read_download(self, content: bytes) -> Sequence[PlateReading]:
        account = ACCOUNT.get()
        if not self._downloaded.take(account, len(content)):
            raise ApiError(ErrorCode.REQUEST_LIMIT_EXCEEDED, "Too many pictures wait to be read; try again.")
        try:
            with self._turns.of_account():
                return self._plates(content)
        finally:
            self._downloaded.give_back(account, len(content))

    def _plates(self, content: bytes) -> Sequence[PlateReading]:
        try:
            picture = self._decode(content)
        except ImageError as error:
            raise as_api_error(error) from error
        if picture.flaw is not None:
            self._on_flaw(picture.flaw)
        try:
            with self._turns.turn():
                readings = self._read(picture.pixels)
        except Exception as error:  # native code of three libraries: any error must become an answer
            _log.exception("the reader failed on a requested picture of %s", picture.pixels.shape)
            raise ApiError(ErrorCode.UNKNOWN_ERROR) from error
        if not readings:
            raise ApiError(ErrorCode.OCR_FAILED)
        return readings


def _picture(parameters: Mapping[str, object]) -> tuple[str | None, str]:
    """Returns `ImageUrl`, None if it is absent, and `ImageBase64`. Raises ApiError unless there is one of them."""
    unknown = sorted(set(parameters) - {"ImageBase64", "ImageUrl"})
    if unknown:
        raise ApiError(ErrorCode.UNKNOWN_PARAMETER, f"The parameter `{_shown(unknown[0])}` is not known.")
    url, base64 = _text(parameters, "ImageUrl"), _text(parameters, "ImageBase64")
    if url is None and base64 is None:
        raise ApiError(ErrorCode.MISSING_PARAMETER, "Give `ImageBase64` or `ImageUrl`.")
    return url, base64 or ""


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
