"""The public names of the package ``edge_lpr``, and what importing it loads."""

from __future__ import annotations

import subprocess
import sys

import pytest

import edge_lpr
from edge_lpr.images import load_image
from edge_lpr.readings import PlateReading
from edge_lpr.vision.reader import PlateReader

HEAVY = {"cv2", "numpy", "ai_edge_litert", "tflite_runtime", "pydantic"}


def loaded_by(statement: str) -> set[str]:
    """Returns which of the heavy packages a new Python has loaded after ``statement``."""
    script = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return HEAVY & set(done.stdout.split())


def test_the_public_names_are_those_of_their_modules() -> None:
    assert edge_lpr.PlateReader is PlateReader
    assert edge_lpr.PlateReading is PlateReading
    assert edge_lpr.load_image is load_image
    assert all(hasattr(edge_lpr, name) for name in edge_lpr.__all__)


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'PlateWriter'"):
        edge_lpr.PlateWriter  # type: ignore[attr-defined] # noqa: B018


@pytest.mark.parametrize("statement", ["import edge_lpr", "import edge_lpr.errors", "import edge_lpr.cli"])
def test_the_bare_package_loads_nothing_heavy(statement: str) -> None:
    assert loaded_by(statement) == set()


def test_a_public_name_loads_its_module() -> None:
    assert "cv2" in loaded_by("from edge_lpr import load_image")


def test_a_reader_without_settings_reads_photos(plate_photo: bytes, reader: PlateReader) -> None:
    readings = PlateReader.open().read(load_image(plate_photo))
    assert [reading.number for reading in readings] == [one.number for one in reader.read(load_image(plate_photo))]
