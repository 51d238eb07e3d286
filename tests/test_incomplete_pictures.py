"""Pictures that are not quite whole: cut short, or with their first bytes missing."""

from __future__ import annotations

import io
import re
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge_lpr.errors import ImageDecodeFailed, ImageTooLarge
from edge_lpr.images import load_image, read_picture

WIDTH, HEIGHT = 480, 320
HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"


def photo() -> Image.Image:
    """Returns a picture with as much detail in each row: soft shapes with some noise."""
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)).resize((WIDTH, HEIGHT), 3)
    noisy = np.asarray(coarse, np.int16) + rng.integers(-9, 10, (HEIGHT, WIDTH, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(form: str, picture: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (photo() if picture is None else picture).save(buffer, form, **options)
    return buffer.getvalue()


def progressive(picture: Image.Image | None = None) -> bytes:
    return encoded("JPEG", picture, progressive=True, quality=85)


def cut(content: bytes, share: float) -> bytes:
    """Returns ``content`` up to ``share`` of its picture data."""
    start = content.rfind(b"\xff\xda") if content.startswith(b"\xff\xd8") else 0
    return content[: start + int(share * (len(content) - start))]


def mpo() -> bytes:
    """A photo followed by its preview."""
    return encoded("MPO", save_all=True, append_images=[photo().resize((120, 80))])


def with_thumbnail(content: bytes) -> bytes:
    """Puts EXIF data with a small JPEG in front of the picture's own tables."""
    body = b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + encoded("JPEG", photo().resize((160, 120)))
    return content[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + content[2:]


def grey16() -> Image.Image:
    return Image.fromarray(np.asarray(photo().convert("L"), np.uint16) * 257)


BY_ROWS = {
    "baseline": encoded("JPEG", quality=85),
    "restart markers": encoded("JPEG", quality=85, restart_marker_rows=1),
    "full colour": encoded("JPEG", quality=85, subsampling=0),
    "grey": encoded("JPEG", photo().convert("L")),
    "CMYK": encoded("JPEG", photo().convert("CMYK")),
    "thumbnail": with_thumbnail(encoded("JPEG", quality=85)),
    "PNG": encoded("PNG"),
    "PNG, 16 bits": encoded("PNG", grey16()),
    "PNG, palette": encoded("PNG", photo().convert("P")),
    "PNG, transparent": encoded("PNG", photo().convert("RGBA")),
    "BMP": encoded("BMP"),
}
"""Files whose bytes hold one row after another."""


def rows_held(flaw: str | None) -> int:
    found = re.search(r"is cut short: (\d+) of 320 rows are there", flaw or "")
    assert found, flaw
    return int(found[1])


def equal_rows(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return int((one == other).all(axis=(1, 2)).sum())


@pytest.mark.parametrize("kind", BY_ROWS)
@pytest.mark.parametrize("share", [0.995, 0.97, 0.955])
def test_a_file_cut_near_its_end_is_read_and_the_rows_that_it_holds_are_right(kind: str, share: float) -> None:
    content = BY_ROWS[kind]
    whole = read_picture(content)
    assert whole.flaw is None
    picture = read_picture(cut(content, share))
    assert picture.pixels.shape == whole.pixels.shape
    held = rows_held(picture.flaw)
    assert 0.9 * HEIGHT <= held < HEIGHT
    # The count is measured: at most one row of blocks more is as in the whole file.
    assert held <= equal_rows(picture.pixels, whole.pixels) <= held + 16


@pytest.mark.parametrize("kind", BY_ROWS)
@pytest.mark.parametrize("share", [0.8, 0.5, 0.15])
def test_a_file_that_holds_too_few_rows_is_rejected_with_their_number(kind: str, share: float) -> None:
    content = BY_ROWS[kind]
    with pytest.raises(ImageDecodeFailed, match=r"is cut short: \d+ of 320 rows are there; save or send it again"):
        load_image(cut(content, share))


@pytest.mark.parametrize("kind", ["baseline", "restart markers", "grey", "CMYK"])
def test_every_cut_of_the_last_bytes_is_read(kind: str) -> None:
    content = BY_ROWS[kind]
    whole = read_picture(content).pixels
    for missing in range(1, 40):  # in the end marker, in a restart marker, after a byte 0xFF
        picture = read_picture(content[:-missing])
        assert equal_rows(picture.pixels, whole) >= (HEIGHT if picture.flaw is None else rows_held(picture.flaw))


def test_no_cut_raises_anything_but_a_decode_error() -> None:
    for content in (progressive(photo().resize((48, 32))), encoded("PNG", photo().resize((24, 16)))):
        for end in range(1, len(content)):
            try:
                read_picture(content[:end])
            except ImageDecodeFailed as error:
                assert "\n" not in str(error)


def test_a_uniform_grey_picture_is_measured_too() -> None:
    content = encoded("JPEG", Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128)))
    with pytest.raises(ImageDecodeFailed, match="is cut short"):
        load_image(content[: len(content) - len(content) // 8])  # what is missing would decode to the same grey


def test_rows_of_a_turned_photo_are_counted_as_stored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    content = encoded("JPEG", quality=85, exif=exif)
    picture = read_picture(content[: int(0.96 * len(content))])
    assert picture.pixels.shape == (WIDTH, HEIGHT, 3)
    assert rows_held(picture.flaw) >= 0.9 * HEIGHT


def test_a_progressive_photo_without_its_last_details_is_read_and_says_so() -> None:
    content = progressive()
    whole = read_picture(content).pixels
    picture = read_picture(content[: int(0.85 * len(content))])
    assert picture.flaw == "is cut short: 320 of 320 rows are there, some may lack detail or colour"
    assert np.abs(picture.pixels.astype(int) - whole).mean() < 8


def test_a_progressive_photo_with_only_its_coarse_scans_is_rejected() -> None:
    content = progressive()
    with pytest.raises(ImageDecodeFailed, match="is cut short: 0 of 320 rows"):
        load_image(content[: int(0.12 * len(content))])


def test_a_photo_with_a_cut_preview_behind_it_is_whole() -> None:
    content = mpo()
    whole = read_picture(content)
    cut = read_picture(content[:-300])
    assert cut.flaw is None and np.array_equal(cut.pixels, whole.pixels)


def test_a_webp_that_was_cut_says_how_many_bytes_are_there() -> None:
    content = encoded("WEBP")
    with pytest.raises(ImageDecodeFailed, match=rf"it is cut short: {len(content) - 50} of {len(content)} bytes"):
        load_image(content[:-50])


@pytest.mark.parametrize("content", [BY_ROWS["baseline"], BY_ROWS["thumbnail"], progressive(), mpo()])
@pytest.mark.parametrize("front", [HTTP, bytes(range(256)) * 9, b"\0", b"\xff"])
def test_other_bytes_in_front_of_a_photo_are_skipped(content: bytes, front: bytes) -> None:
    picture = read_picture(front + content)
    assert picture.flaw == "its first bytes are missing or are not a picture's"
    assert np.array_equal(picture.pixels, read_picture(content).pixels)


@pytest.mark.parametrize("missing", [1, 2, 3, 8, 15])
@pytest.mark.parametrize("kind", ["baseline", "thumbnail", "CMYK"])
def test_a_photo_without_its_first_bytes_is_read(kind: str, missing: int) -> None:
    picture = read_picture(BY_ROWS[kind][missing:])
    assert picture.flaw is not None
    assert picture.pixels.shape == (HEIGHT, WIDTH, 3)
    if kind != "CMYK":  # the note on its inverted colours may be among the missing bytes
        assert np.array_equal(picture.pixels, read_picture(BY_ROWS[kind]).pixels)


def test_a_preview_is_never_read_in_place_of_the_photo() -> None:
    assert read_picture(BY_ROWS["thumbnail"][900:]).pixels.shape == (HEIGHT, WIDTH, 3)
    with pytest.raises(ImageDecodeFailed):
        read_picture(mpo()[3000:])  # the photo's header is gone, its preview's is there


def test_both_ends_may_be_missing() -> None:
    content = BY_ROWS["baseline"]
    flaw = read_picture(HTTP + content[: int(0.96 * len(content))]).flaw
    assert flaw is not None and flaw.startswith("its first bytes") and rows_held(flaw) < HEIGHT


@pytest.mark.parametrize("end", [3, 20, 100, 600])
def test_a_file_cut_in_its_header_is_rejected(end: int) -> None:
    with pytest.raises(ImageDecodeFailed, match=r"is damaged|0 of 320 rows are there"):
        load_image(BY_ROWS["baseline"][:end])


def test_limits_hold_for_a_photo_behind_other_bytes() -> None:
    with pytest.raises(ImageTooLarge):
        load_image(HTTP + BY_ROWS["baseline"], max_pixels=WIDTH * HEIGHT - 1)
    with pytest.raises(ImageDecodeFailed, match="no picture"):
        load_image(HTTP + BY_ROWS["baseline"], formats=("PNG",))


def test_thousands_of_empty_segments_in_front_are_followed_once() -> None:
    content = BY_ROWS["baseline"]
    picture = read_picture(b"\x00" + b"\xff\xe0\x00\x02" * 5_000 + content[20:])
    assert np.array_equal(picture.pixels, read_picture(content).pixels)


def test_a_cut_png_is_completed_without_holding_its_content() -> None:
    content = encoded("PNG", Image.new("RGB", (6000, 4000)))
    tracemalloc.start()
    with pytest.raises(ImageDecodeFailed, match="rows are there"):
        load_image(content[: len(content) // 2])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def test_load_image_logs_what_is_missing(caplog: pytest.LogCaptureFixture) -> None:
    content = BY_ROWS["baseline"]
    load_image(content)
    assert not caplog.records
    load_image(content[: int(0.97 * len(content))])
    assert "rows are there" in caplog.text
