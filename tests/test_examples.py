"""The programs in examples/ run as their docstrings say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge_lpr.images import load_image
from edge_lpr.vision.reader import PlateReader

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs an example from the root of the checkout."""
    command = [sys.executable, str(EXAMPLES / name), *arguments]
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES.parent)}
    return subprocess.run(
        command, cwd=EXAMPLES.parent, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_each_example_has_a_test() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    untested = [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in source]
    assert not untested


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_says_how_to_run_it(path: Path) -> None:
    assert f"python examples/{path.name}" in path.read_text(encoding="utf-8")


def test_read_photo_prints_the_plate(plate_photo: bytes, reader: PlateReader, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(plate_photo)
    done = run_example("read_photo.py", str(photo))
    assert done.returncode == 0, done.stderr
    assert reader.read(load_image(plate_photo))[0].number in done.stdout
