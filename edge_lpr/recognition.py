"""``edge-lpr recognize``: one answer for each photo, for a person or, as the API gives it, for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_lpr.api import messages
from edge_lpr.errors import ImageError
from edge_lpr.images import load_image
from edge_lpr.readings import PlateReading
from edge_lpr.vision.reader import PlateReader


def recognize(photos: Sequence[Path], reader: PlateReader, *, crop: bool, as_json: bool) -> int:
    """Answer each photo on stdout, in order; a photo that cannot be read is one line on stderr.

    Returns the exit code: 0, also when a photo shows no plate, as that is an answer; 2 when a photo cannot be read.
    The other photos are answered all the same.
    """
    code = 0
    for photo in photos:
        try:
            readings = _read(photo, reader, crop=crop)
        except ImageError as error:
            code = error.exit_code
            print(f"edge-lpr: {error}", file=sys.stderr, flush=True)
            if as_json:
                request_id = messages.new_request_id()
                _print_json(photo, messages.error_response(error.api_code, _without_path(error, photo), request_id))
            continue
        if as_json:
            _print_json(photo, messages.license_plate_ocr_response(readings, messages.new_request_id()))
        else:
            _print_lines(photo, readings)
    return code


def _read(photo: Path, reader: PlateReader, *, crop: bool) -> list[PlateReading]:
    image = load_image(photo)
    if not crop:
        return reader.read(image)
    reading = reader.read_crop(image)
    return [] if reading is None else [reading]


def _print_json(photo: Path, response: messages.JsonObject) -> None:
    print(json.dumps({"Source": str(photo), **response}, ensure_ascii=False), flush=True)


def _print_lines(photo: Path, readings: Sequence[PlateReading]) -> None:
    if not readings:
        print(f"{photo}: no plate", flush=True)
    for reading in readings:
        rect = reading.rect
        print(
            f"{photo}: {reading.number}  {reading.color}  {reading.category}  confidence {reading.confidence}"
            f"  at {rect.x},{rect.y} {rect.width}x{rect.height}",
            flush=True,
        )


def _without_path(error: ImageError, photo: Path) -> str:
    """The fault without the path: a message that may travel says nothing of this machine's folders."""
    return "The picture: " + str(error).removeprefix(f"{photo}: ")
