"""Pictures of requests are decoded within limits, whatever their bytes ask for."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edge_lpr.errors import ImageDecodeFailed, ImageTooLarge
from edge_lpr.images import API_FORMATS, load_image
from edge_lpr.server.decoding import Decoders


@pytest.fixture
def decoders() -> Iterator[Decoders]:
    with Decoders(max_pixels=25_000_000, max_bytes=8_000_000, formats=API_FORMATS) as running:
        yield running


def segment(marker: int, body: bytes) -> bytes:
    """Returns a segment of a JPEG file (ITU-T T.81, B.1.1.4)."""
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def endless_jpeg(side: int, scans: int) -> bytes:
    """Returns a small progressive JPEG whose ``scans`` are hidden from a scanner that believes segment lengths.

    With a restart interval, libjpeg looks for the next marker wherever the entropy-coded data breaks off.
    """
    table = bytes([1] + [0] * 15 + [0])  # one code of one bit
    tables = segment(0xC4, b"\x00" + table) + segment(0xC4, b"\x10" + table)
    head = segment(0xDB, b"\x00" + b"\x01" * 64)
    head += segment(0xC2, struct.pack(">BHHB", 8, side, side, 1) + b"\x01\x11\x00")
    head += tables + segment(0xDD, b"\xff\xff") + segment(0xDA, b"\x01\x01\x00\x00\x00\x00")
    hidden = segment(0xDA, b"\x01\x01\x00\x01\x01\x00")
    blocks = b""
    while scans > 0:
        count = min(scans, 65000 // len(hidden))
        blocks += b"\xff\x02\xff\xff" + (hidden * count).ljust(65533, b"\x00")
        scans -= count
    return b"\xff\xd8" + head + blocks + b"\xff\xd9"


def deep_png(side: int) -> bytes:
    """Returns a PNG of 16-bit colours with transparency: four times the memory of its pixels, in a few kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress(bytes(side * (8 * side + 1)), 9)
    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_an_ordinary_picture_is_decoded_as_without_a_process(decoders: Decoders, plate_photo: bytes) -> None:
    assert np.array_equal(decoders.decode(plate_photo).pixels, load_image(plate_photo))


def test_what_is_not_whole_is_said(decoders: Decoders, plate_photo: bytes) -> None:
    assert decoders.decode(plate_photo).flaw is None
    assert "rows are there" in str(decoders.decode(plate_photo[:-400]).flaw)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff"])
def test_errors_are_those_of_decoding_without_a_process(decoders: Decoders, content: bytes) -> None:
    with pytest.raises(ImageDecodeFailed) as expected:
        load_image(content, formats=API_FORMATS)
    with pytest.raises(ImageDecodeFailed) as caught:
        decoders.decode(content)
    assert str(caught.value) == str(expected.value)


def test_the_largest_honest_pictures_are_within_the_limits(decoders: Decoders) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (500, 500, 3), np.uint8)
    large = cv2.resize(noise, (5000, 5000), interpolation=cv2.INTER_NEAREST)
    progressive = cv2.imencode(".jpg", large, (cv2.IMWRITE_JPEG_QUALITY, 60, cv2.IMWRITE_JPEG_PROGRESSIVE, 1))[1]
    for content in (bytes(progressive), deep_png(4900)):
        assert decoders.decode(content).pixels.shape[2] == 3
    with pytest.raises(ImageTooLarge):
        decoders.decode(deep_png(5001))


def test_a_picture_that_takes_too_much_work_is_refused_and_keeps_no_other_waiting(
    decoders: Decoders, plate_photo: bytes
) -> None:
    refused: list[str] = []

    def decode_endless() -> None:
        try:
            decoders.decode(endless_jpeg(3000, 20_000))
        except ImageDecodeFailed as error:
            refused.append(str(error))

    hostile = threading.Thread(target=decode_endless)
    hostile.start()
    while hostile.is_alive():
        assert decoders.decode(plate_photo).pixels.size
    hostile.join()
    assert refused == ["The picture: takes too much work to decode; save it again as an ordinary JPEG"]
    for _ in range(2):
        assert decoders.decode(plate_photo).pixels.size


def test_a_decoder_that_is_killed_is_replaced(decoders: Decoders, plate_photo: bytes) -> None:
    decoders.decode(plate_photo)
    for process in decoders._all:
        process.kill()
    assert decoders.decode(plate_photo).pixels.size


def test_memory_beyond_the_limit_is_an_error_of_its_own() -> None:
    code = "from edge_lpr.server.limits import limit_memory; limit_memory(100); bytearray(300_000_000)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "MemoryError" in done.stderr


def test_work_beyond_the_limit_ends_the_process() -> None:
    code = "from edge_lpr.server.limits import limit_work; limit_work(0.2)\nwhile True: pass"
    began_s = time.process_time()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60)
    assert done.returncode < 0
    assert time.process_time() - began_s < 60
