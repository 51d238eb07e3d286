"""``edge-lpr recognize``: one answer for each photo, for a person or, as the API gives it, for a program."""

from __future__ import annotations

import base64
import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.image_download import DownloadPolicy, fetch
from edge_lpr.api.license_plate_ocr import LicensePlateOcr
from edge_lpr.api.request_body import MAX_BODY
from edge_lpr.config import ApiSettings
from edge_lpr.errors import ImageError
from edge_lpr.images import load_image, read_file
from edge_lpr.messages import payloads as messages
from edge_lpr.readings import PlateReading, ReadPlates
from edge_lpr.vision.reader import PlateReader

_EXIT_CODES: dict[str, int] = {ErrorCode.OCR_FAILED: 0, ErrorCode.UNKNOWN_ERROR: 1}
"""Of the API's error answers; of all others 2, as the photo is to blame."""


def recognize(photos: Sequence[Path], reader: PlateReader, *, crop: bool, as_json: bool) -> int:
    """Answer each photo on stdout, in order; a photo that cannot be read is one line on stderr.

    With ``as_json`` the answer is what the API with its default settings gives for the same bytes: its limits and its
    error answers too. Returns the exit code: 0, also when a photo shows no plate, as that is an answer; 2 when a photo
    cannot be read, 1 when the reader fails on one. The other photos are answered all the same.
    """
    read: ReadPlates = functools.partial(_read_crop, reader=reader) if crop else reader.read
    download = functools.partial(fetch, policy=DownloadPolicy())
    action = LicensePlateOcr(read, download, max_pixels=ApiSettings().max_megapixels * 1_000_000)
    return max((_answer(photo, action) if as_json else _tell(photo, read) for photo in photos), default=0)


def _read_crop(image: NDArray[np.uint8], reader: PlateReader) -> list[PlateReading]:
    reading = reader.read_crop(image)
    return [] if reading is None else [reading]


def _answer(photo: Path, action: LicensePlateOcr) -> int:
    """Print a line of JSON; the exit code."""
    request_id, code = messages.new_request_id(), 0
    try:
        answer = messages.license_plate_ocr_response(action(_parameters(photo)), request_id)
    except ApiError as error:
        answer = messages.error_response(error.code, error.message, request_id)
        code = _EXIT_CODES.get(error.code, 2)
        if code:
            _complain(f"{photo}: {error.message.removeprefix('The picture: ')}")
    print(json.dumps({"Source": str(photo), **answer}, ensure_ascii=False), flush=True)
    return code


def _parameters(photo: Path) -> dict[str, str]:
    """The request that a photo makes. Raises ApiError for a file that makes none."""
    try:
        content = read_file(photo, MAX_BODY)
    except ImageError as error:
        # Without the path: a message that may travel says nothing of this machine's folders.
        reason = str(error).removeprefix(f"{photo}: ")
        raise ApiError(error.api_code, f"The picture: {reason}") from error
    parameters = {"ImageBase64": base64.b64encode(content).decode()}
    if len(messages.encode(parameters)) > MAX_BODY:
        raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
    return parameters


def _tell(photo: Path, read: ReadPlates) -> int:
    """Print lines for a person; the exit code."""
    try:
        readings = read(load_image(photo))
    except ImageError as error:
        _complain(str(error))
        return error.exit_code
    if not readings:
        print(f"{photo}: no plate", flush=True)
    for reading in readings:
        rect = reading.rect
        print(
            f"{photo}: {reading.number}  {reading.color}  {reading.category}  confidence {reading.confidence}"
            f"  at {rect.x},{rect.y} {rect.width}x{rect.height}",
            flush=True,
        )
    return 0


def _complain(line: str) -> None:
    print(f"edge-lpr: {line}", file=sys.stderr, flush=True)
