"""Loading and encoding pictures: each format is decoded correctly, or rejected with one line and little memory."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from edge_lpr.errors import ImageDecodeFailed, ImageEncodeFailed, ImageError, ImageTooLarge
from edge_lpr.images import API_FORMATS, encode_jpeg, load_image

RED_BGR = (0, 0, 200)


def red_left(width: int = 64, height: int = 32) -> Image.Image:
    """Left half red, right half black."""
    picture = Image.new("RGB", (width, height))
    picture.paste((200, 0, 0), (0, 0, width // 2, height))
    return picture


def encoded(picture: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def assert_close(pixel: NDArray[np.uint8], color: tuple[int, int, int], tolerance: int = 12) -> None:
    assert np.abs(pixel.astype(int) - color).max() <= tolerance, pixel


def png(width: int, height: int, bits: int, pixels: bytes) -> bytes:
    """Returns a colour PNG whose header can claim another size than its pixels have."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(pixels), b"IEND")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


def png_header(width: int, height: int) -> bytes:
    return png(width, height, 8, b"\0" * 64)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP", "WEBP"])
def test_formats_are_read_as_bgr(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"车牌 照片.{form.lower()}"
    path.write_bytes(encoded(red_left(), form))
    image = load_image(path)
    assert image.shape == (32, 64, 3)
    assert image.dtype == np.uint8
    assert_close(image[16, 8], RED_BGR)
    assert_close(image[16, 56], (0, 0, 0))
    assert np.array_equal(load_image(str(path)), image)


def test_cmyk_jpeg() -> None:
    assert_close(load_image(encoded(red_left().convert("CMYK"), "JPEG", quality=95))[16, 8], RED_BGR, 20)


def test_sixteen_bit_grey_is_scaled() -> None:
    ramp = np.linspace(0, 65535, 64, dtype=np.uint16)[np.newaxis].repeat(8, axis=0)
    image = load_image(encoded(Image.fromarray(ramp), "PNG"))
    assert image[0, 0].tolist() == [0, 0, 0]
    assert image[0, -1].tolist() == [255, 255, 255]
    assert_close(image[0, 32], (129, 129, 129), 3)


def test_sixteen_bit_color_is_scaled() -> None:
    row = b"\0" + struct.pack(">HHH", 51400, 0, 0) * 4  # 51400 = 200 * 257
    assert_close(load_image(png(4, 2, 16, row * 2))[0, 0], RED_BGR, 1)


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA"])
def test_other_modes_become_color(mode: str) -> None:
    image = load_image(encoded(red_left().convert(mode), "PNG"))
    assert image.shape == (32, 64, 3)
    assert image[16, 56].tolist() == [0, 0, 0]


def test_transparent_parts_become_white() -> None:
    picture = red_left().convert("RGBA")
    picture.putalpha(Image.new("L", picture.size, 0))
    assert_close(load_image(encoded(picture, "PNG"))[16, 8], (255, 255, 255), 0)


def test_exif_rotation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate a quarter clockwise: the left side becomes the top
    image = load_image(encoded(red_left(), "JPEG", exif=exif, quality=95))
    assert image.shape == (64, 32, 3)
    assert_close(image[8, 16], RED_BGR)
    assert_close(image[56, 16], (0, 0, 0))


@pytest.mark.parametrize("orientation", range(10))
def test_every_orientation_is_handled_as_in_pillow(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    noise = Image.fromarray(np.random.default_rng(7).integers(0, 255, (5, 7, 3), np.uint8))
    content = encoded(noise, "PNG", exif=exif)
    with Image.open(io.BytesIO(content)) as picture:
        expected = np.asarray(ImageOps.exif_transpose(picture))[:, :, ::-1]
    assert np.array_equal(load_image(content), expected)


def test_invalid_exif_data_is_ignored() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker of cameras"
    content = encoded(red_left(), "JPEG", exif=exif)
    text = struct.pack(">HHI", 0x010F, 2, 17)
    assert text in content
    for kind in range(14):  # the maker's name with each type of EXIF
        assert load_image(content.replace(text, struct.pack(">HHI", 0x010F, kind, 2))).shape == (64, 32, 3)


def test_a_jpeg_with_too_many_scans_is_rejected_before_decoding() -> None:
    content = encoded(red_left(), "JPEG", progressive=True)
    last_scan = content[content.rindex(b"\xff\xda") : -2]
    assert load_image(content[:-2] + last_scan * 50 + content[-2:]).shape == (32, 64, 3)
    for scans in (100, 10_000):
        with pytest.raises(ImageDecodeFailed, match="more than 100 scans"):
            load_image(content[:-2] + last_scan * scans + content[-2:])


def test_bytes_that_only_look_like_scans_do_not_count() -> None:
    content = encoded(red_left(), "JPEG")
    comment = b"\xff\xfe" + struct.pack(">H", 2002) + b"\xff\xda" * 1000
    beside = content[:2] + comment + content[2:] + b"\xff\xda" * 1000  # as in thumbnails and appended videos
    assert np.array_equal(load_image(beside), load_image(content))


def test_a_huge_size_in_the_header_is_rejected_without_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.write_bytes(png_header(20_000, 20_000))
    tracemalloc.start()
    try:
        with pytest.raises(ImageTooLarge, match=r"huge\.png"):
            load_image(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.filterwarnings("ignore:Image size")  # pytest resets the module's own filter
@pytest.mark.parametrize("size", [(9_000, 9_000), (12_000, 10_000)])
def test_limits_count_pixels(size: tuple[int, int]) -> None:
    with pytest.raises(ImageTooLarge, match="million"):
        load_image(png_header(*size))


def test_the_pixel_limit_can_be_set() -> None:
    with pytest.raises(ImageTooLarge):
        load_image(encoded(red_left(), "PNG"), max_pixels=64 * 32 - 1)
    assert load_image(encoded(red_left(), "PNG"), max_pixels=64 * 32).size


def test_too_many_bytes(tmp_path: Path) -> None:
    path = tmp_path / "long.jpg"
    path.write_bytes(b"\0" * 2_000_000)
    with pytest.raises(ImageTooLarge, match="1 MB"):
        load_image(path, max_bytes=1_048_576)
    with pytest.raises(ImageTooLarge):
        load_image(path.read_bytes(), max_bytes=1_048_576)


def test_the_error_names_the_format_gif() -> None:
    with pytest.raises(ImageDecodeFailed, match="GIF"):
        load_image(encoded(red_left(), "GIF"))


def test_several_jpegs_in_one_file_give_the_first() -> None:
    """Phones write such files for a depth map or a second lens (CIPA DC-007). Pillow names the format MPO."""
    content = io.BytesIO()
    red_left().save(content, "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))])
    assert load_image(content.getvalue(), formats=API_FORMATS).shape == load_image(encoded(red_left(), "JPEG")).shape


def test_formats_can_be_narrowed() -> None:
    with pytest.raises(ImageDecodeFailed, match="WEBP"):
        load_image(encoded(red_left(), "WEBP"), formats=API_FORMATS)


def test_a_truncated_jpeg_is_rejected() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    content = encoded(noise, "JPEG")
    with pytest.raises(ImageDecodeFailed, match=r"is cut short: \d+ of 200 rows are there"):
        load_image(content[: len(content) // 2])


@pytest.mark.parametrize("content", [b"", b"not a picture\n", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_not_a_picture_is_rejected(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "note.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageDecodeFailed) as caught:
        load_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_path_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        load_image(tmp_path / "没有.jpg")
    with pytest.raises(ImageError, match="folder"):
        load_image(tmp_path)


def test_a_twelve_megapixel_photo() -> None:
    assert load_image(encoded(red_left(4000, 3000), "JPEG")).shape == (3000, 4000, 3)


def test_an_encoded_jpeg_can_be_loaded() -> None:
    image = np.full((32, 64, 3), RED_BGR, np.uint8)
    content = encode_jpeg(image, 95)
    assert Image.open(io.BytesIO(content)).format == "JPEG"
    assert_close(load_image(content)[16, 32], RED_BGR)
    assert len(encode_jpeg(image, 10)) < len(content)


@pytest.mark.parametrize("size", [(0, 64), (1, 65_501)])
def test_an_image_that_jpeg_cannot_hold_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(ImageEncodeFailed, match=f"{size[1]} x {size[0]} pixels"):
        encode_jpeg(np.zeros((*size, 3), np.uint8), 85)
