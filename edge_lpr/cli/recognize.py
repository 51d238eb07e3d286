"""``edge-lpr recognize``: one answer per photo, as text for a person or as the API's JSON for a program."""

from __future__ import annotations

import argparse
import base64
import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_lpr.api.body_memory import MAX_BODY
from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.image_download import DownloadPolicy, fetch
from edge_lpr.api.license_plate_ocr import MAX_BYTES, LicensePlateOcr
from edge_lpr.cli import print_error
from edge_lpr.cli.options import add_reader_options, reader_settings
from edge_lpr.config import ApiSettings
from edge_lpr.errors import ImageError
from edge_lpr.images import API_FORMATS, read_file, read_picture
from edge_lpr.messages.answer import Answer, error_answer, plate_answer
from edge_lpr.messages.encoding import encode, new_request_id
from edge_lpr.readings import PlateReading, ReadPlates
from edge_lpr.vision.reader import PlateReader

_EXIT_CODES: dict[str, int] = {ErrorCode.OCR_FAILED: 0, ErrorCode.UNKNOWN_ERROR: 1}
"""Exit codes of the API's error answers. All others are 2: the photo is the cause."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the photos and the form of the answers."""
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="a JPEG, PNG, BMP or WebP photo")
    parser.add_argument("--json", action="store_true", help="one line of JSON for each photo, as the API answers")
    parser.add_argument("--crop", action="store_true", help="each picture is a plate already cut out")
    add_reader_options(parser)


def run(options: argparse.Namespace) -> int:
    """Reads the photos."""
    reader = PlateReader.open(reader_settings(options))
    return recognize(options.photos, reader, crop=options.crop, as_json=options.json)


def recognize(photos: Sequence[Path], reader: PlateReader, *, crop: bool, as_json: bool) -> int:
    """Answers each photo on stdout, in order; a photo that cannot be read is one line on stderr.

    With ``as_json`` the answer is the one that the API with its default settings gives for the same bytes, with its
    limits and error answers. What is not whole in a photo's file is one line on stderr; with ``as_json`` it is also the
    field ``Flaw`` beside the answer. Returns the exit code: 0, also for a photo without a plate, which is an answer; 2
    if a photo cannot be read, 1 if the reader fails on one. All other photos are answered in any case.
    """
    read: ReadPlates = functools.partial(_read_crop, reader=reader) if crop else reader.read
    answer = functools.partial(_answer, read=read) if as_json else functools.partial(_print_readings, read=read)
    return max((answer(photo) for photo in photos), default=0)


def _read_crop(image: NDArray[np.uint8], reader: PlateReader) -> list[PlateReading]:
    reading = reader.read_crop(image)
    return [] if reading is None else [reading]


def _answer(photo: Path, read: ReadPlates) -> int:
    """Prints a line of JSON; returns the exit code."""
    flaws: list[str] = []
    download = functools.partial(fetch, policy=DownloadPolicy())
    most = ApiSettings().max_megapixels * 1_000_000
    decode = functools.partial(read_picture, max_pixels=most, max_bytes=MAX_BYTES, formats=API_FORMATS)
    action = LicensePlateOcr(read, download, decode, on_flaw=flaws.append)
    request_id, code = new_request_id(), 0
    try:
        answer: Answer = plate_answer(action(_parameters(photo)), request_id)
    except ApiError as error:
        answer = error_answer(error.code, error.message, request_id)
        code = _EXIT_CODES.get(error.code, 2)
        if code:
            print_error(f"{photo}: {error.message.removeprefix('The picture: ')}")
    for flaw in flaws:
        print_error(f"{photo}: {flaw}")
    flaw_field = {"Flaw": flaws[0]} if flaws else {}
    print(json.dumps({"Source": str(photo), **flaw_field, **answer.to_json()}, ensure_ascii=False), flush=True)
    return code


def _parameters(photo: Path) -> dict[str, str]:
    """Returns the request parameters for a photo. Raises ApiError for a file that gives none."""
    try:
        content = read_file(photo, MAX_BODY)
    except ImageError as error:
        # Without the path: an API message must not show this machine's folders.
        reason = str(error).removeprefix(f"{photo}: ")
        raise ApiError(error.api_code, f"The picture: {reason}") from error
    parameters = {"ImageBase64": base64.b64encode(content).decode()}
    if len(encode(parameters)) > MAX_BODY:
        raise ApiError(ErrorCode.REQUEST_SIZE_LIMIT_EXCEEDED)
    return parameters


def _print_readings(photo: Path, read: ReadPlates) -> int:
    """Prints lines for a person; returns the exit code."""
    try:
        picture = read_picture(photo)
    except ImageError as error:
        print_error(str(error))
        return error.exit_code
    if picture.flaw is not None:
        print_error(f"{photo}: {picture.flaw}")
    readings = read(picture.pixels)
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
