"""Replaces libcamera's Python bindings, as far as the product uses them."""

from __future__ import annotations

from types import SimpleNamespace

controls = SimpleNamespace(draft=SimpleNamespace())


class Transform:
    """Has the parameters of the real class."""

    def __init__(self, hflip: int = 0, vflip: int = 0) -> None:
        self.hflip = hflip
        self.vflip = vflip
