"""Where the files that ship with the package are: the models, the demo clip and the commented settings.

An installed package carries them inside itself; a checkout has them beside it.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def models_dir() -> Path:
    """The folder of the shipped models and their sidecars."""
    return _first(_PACKAGE / "_models", _PACKAGE.parent / "models")


def demo_clip() -> Path:
    """The clip that ``edge-lpr demo`` plays."""
    return _first(_PACKAGE / "_demo", _PACKAGE.parent / "models" / "demo") / "demo.mp4"


def example_settings() -> Path:
    """Every setting with its default and its meaning: what a new settings file begins as."""
    installed = _PACKAGE / "_setup" / "config.example.yaml"
    return installed if installed.is_file() else _PACKAGE.parent / "config.example.yaml"


def _first(installed: Path, checkout: Path) -> Path:
    return installed if installed.is_dir() else checkout
