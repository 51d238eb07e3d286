"""Fixtures for every room: where the repository, the shared data and the models are, the reader, a photo for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import InputError
from edge_lpr.vision.reader import PlateReader
from models.training.synthesis import PlateGenerator
from tests.support import photos
from tests.support.needs import absent

pytest_plugins = ["tests.support.api", "tests.support.certificates", "tests.support.mqtt", "tests.support.publishers"]

REPO_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repo_root() -> Path:
    """The root of the checkout."""
    return REPO_ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The labelled photos and clips beside the checkout, which never enter the repository."""
    path = REPO_ROOT.parent / "shared" / "data"
    if not path.is_dir():
        absent("../shared/data")
    return path


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """The folder of the shipped models."""
    path = REPO_ROOT / "models"
    for name in ("detector", "recognizer"):
        for suffix in (".tflite", ".json"):
            if not (path / (name + suffix)).is_file():
                absent(f"models/{name}{suffix}")
    return path


@pytest.fixture(scope="session")
def reader(models_dir: Path) -> PlateReader:
    """The shipped models."""
    return PlateReader.open(ReaderSettings(models_dir=models_dir))


@pytest.fixture(scope="session")
def generator(shared_data: Path) -> PlateGenerator:
    """Draws plates of every kind."""
    try:
        return PlateGenerator(shared_data)
    except InputError as error:
        if "fonts" not in str(error):
            raise
        absent(f"a font ({error})")


@pytest.fixture(scope="session")
def plate_photo(reader: PlateReader) -> bytes:
    """A JPEG with a plate that is read."""
    return photos.with_plate(reader)
