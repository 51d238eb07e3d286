"""The decoder's process: decodes one picture after another, within limits of memory and processor time.

The server starts it with ``python -m edge_lpr.server.decoder DESCRIPTOR MEGABYTES``.
Each order is an ``Order`` and the file's bytes. The answer is a JSON object. The pixels follow
``{"Shape": [H, W], "Flaw": …}``.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge_lpr.errors import ImageError, ImageTooLarge
from edge_lpr.images import read_picture
from edge_lpr.server.limits import end_with_parent, forbid_files, limit_memory, limit_work

BASE_S, PER_MEGAPIXEL_S = 1.0, 0.2
"""Seconds of processor time for a picture. An honest one takes a tenth of the second; one that was cut short is decoded
five times, and a slow board takes four times as long."""


@dataclass(frozen=True, slots=True)
class Order:
    """A picture to decode; the arguments of ``read_picture``."""

    max_pixels: int
    max_bytes: int
    formats: tuple[str, ...]


def main(arguments: list[str]) -> None:
    """Serves orders until the other end is closed."""
    end_with_parent()  # which may be killed while a picture is being decoded
    connection = Connection(int(arguments[0]))
    limit_memory(float(arguments[1]))
    forbid_files()
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            order: Order = connection.recv()
            _answer(connection, order, connection.recv_bytes())


def _answer(connection: Connection, order: Order, content: bytes) -> None:
    limit_work(BASE_S)
    try:
        limit_work(BASE_S + PER_MEGAPIXEL_S * _pixels(content, order) / 1e6)
        picture = read_picture(content, max_pixels=order.max_pixels, max_bytes=order.max_bytes, formats=order.formats)
    except ImageError as error:
        _send(connection, {"Error": type(error).__name__, "Message": str(error)})
    except MemoryError:
        message = "The picture needs more memory than a picture may take; give a smaller one"
        _send(connection, {"Error": ImageTooLarge.__name__, "Message": message})
    else:
        _send(connection, {"Shape": picture.pixels.shape[:2], "Flaw": picture.flaw})
        _send_pixels(connection, picture.pixels)
    finally:
        limit_work(0)


def _pixels(content: bytes, order: Order) -> int:
    """Returns the number of pixels by the file's header, the most that is allowed if it has no header."""
    try:
        with Image.open(io.BytesIO(content), formats=order.formats) as picture:
            width, height = picture.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return order.max_pixels
    return min(width * height, order.max_pixels)


def _send(connection: Connection, answer: dict[str, object]) -> None:
    connection.send_bytes(json.dumps(answer).encode("ascii"))


def _send_pixels(connection: Connection, image: NDArray[np.uint8]) -> None:
    connection.send_bytes(image.data.cast("B"))


if __name__ == "__main__":
    main(sys.argv[1:])
