"""Paths of the files that ship with the package: the models, the demo clip and the commented settings.

An installed package has them inside its own folder. A checkout has them beside the package folder.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def models_dir() -> Path:
    """Returns the folder of the shipped models and their sidecars."""
    return _installed_or_checkout(_PACKAGE / "_models", _PACKAGE.parent / "models")


def demo_clip() -> Path:
    """Returns the path of the clip that ``edge-lpr demo`` plays."""
    return _installed_or_checkout(_PACKAGE / "_demo", _PACKAGE.parent / "models" / "demo") / "demo.mp4"


def example_settings() -> Path:
    """Returns the path of the template for new settings files: each setting with its default and meaning."""
    return _installed_or_checkout(_PACKAGE / "_setup", _PACKAGE.parent) / "config.example.yaml"


def _installed_or_checkout(installed: Path, checkout: Path) -> Path:
    return installed if installed.is_dir() else checkout
