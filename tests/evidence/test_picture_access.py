"""The names of kept pictures in requests and messages."""

from __future__ import annotations

import httpx
import pytest

from edge_lpr.evidence.picture_access import PictureName


@pytest.mark.parametrize(
    ("day", "file"),
    [
        ("2025-03-01", "081502480-京AF0236-crop.jpg\n"), ("2025-03-01", "../081502480-京AF0236-crop.jpg"),
        ("..", "081502480-京AF0236-crop.jpg"), ("2025-13-01", "081502480-京AF0236-crop.jpg"),
        ("2025-03-01", "081502480-京A/0236-crop.jpg"), ("2025-03-01", "081502480-.-crop.jpg"),
        ("2025-03-01\n", "081502480-京AF0236-crop.jpg"), ("٢٠٢٥-03-01", "081502480-京AF0236-crop.jpg"),
    ],
)  # fmt: skip
def test_an_invalid_picture_name_is_refused(day: str, file: str) -> None:
    with pytest.raises(ValueError):
        PictureName(day, file)


def test_a_picture_name_is_parsed_from_the_path_or_url_of_a_message() -> None:
    name = PictureName("2025-03-01", "081502480-京AF0236-crop.jpg")
    url = httpx.URL("https://gate.example/evidence/" + name.reference)
    assert PictureName.from_reference(name.reference) == PictureName.from_reference(str(url)) == name
    assert name.number == "京AF0236"
