"""Colours of grounds and inks, BGR: each palette is a few anchors, and a plate's colour is a random mix of them.

The anchors are medians of the development photos and the specimens of GA 36-2014, appendix B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.training.arrays import Rng

Bgr = NDArray[np.float32]

_ANCHORS_RGB: dict[str, tuple[tuple[int, int, int], ...]] = {
    "blue": ((22, 77, 159), (27, 88, 174), (10, 72, 210), (59, 68, 123), (17, 17, 131), (20, 60, 190), (40, 100, 190)),
    "yellow": ((255, 190, 0), (240, 211, 101), (235, 170, 20), (250, 200, 40), (214, 160, 50)),
    "white": ((250, 250, 250), (235, 238, 240), (225, 222, 212), (205, 210, 215)),
    "black": ((12, 12, 14), (28, 28, 30), (45, 46, 50), (20, 20, 28), (62, 64, 68), (78, 80, 84)),
    "tractor": ((2, 143, 100), (10, 120, 70), (30, 140, 90), (0, 105, 60)),
    "airport": ((0, 130, 80), (10, 110, 60), (20, 140, 70), (0, 95, 75)),
    "red": ((225, 20, 25), (200, 15, 25), (235, 45, 40), (185, 30, 35)),
    "other": ((190, 25, 30), (120, 15, 45), (110, 40, 140), (150, 60, 150), (225, 110, 165), (205, 40, 105)),
    "temporary_blue": ((110, 186, 209), (120, 190, 225), (130, 175, 205)),
    "temporary_brown": ((190, 151, 132), (200, 160, 130), (185, 150, 140)),
    "entry_blue": ((105, 222, 252), (120, 205, 240)),
    "entry_brown": ((211, 176, 157), (205, 165, 140)),
}  # fmt: skip
_NEV_SMALL_RGB = np.array(
    [
        [[223, 226, 198], [182, 231, 164], [105, 211, 97]],
        [[218, 249, 231], [83, 248, 156], [3, 215, 102]],
        [[235, 240, 232], [150, 225, 160], [40, 190, 95]],
        [[215, 230, 225], [130, 215, 170], [60, 185, 120]],
    ],
    dtype=np.float32,
)  # variants x (top, middle, bottom) x RGB
_NEV_LARGE_RGB = np.array(
    [
        [[204, 143, 30], [129, 223, 111]],
        [[242, 183, 11], [3, 205, 117]],
        [[240, 170, 20], [90, 220, 115]],
        [[225, 165, 45], [60, 195, 110]],
    ],
    dtype=np.float32,
)  # variants x (yellow, green) x RGB


def draw(name: str, rng: Rng, spread: float = 7.0) -> Bgr:
    """Draws a colour of the palette ``name``: float32 (3,), 0-255."""
    anchors = np.array(_ANCHORS_RGB[name], dtype=np.float32)
    mixed = rng.dirichlet(np.full(len(anchors), 0.6)) @ anchors + rng.normal(0, spread, 3)
    return np.clip(mixed[::-1], 0, 255).astype(np.float32)


def nev_small(rng: Rng) -> Bgr:
    """Draws the colours at top, middle and bottom: float32 (3, 3)."""
    return _mix(_NEV_SMALL_RGB, rng)


def nev_large(rng: Rng) -> Bgr:
    """Draws the yellow and the green: float32 (2, 3)."""
    return _mix(_NEV_LARGE_RGB, rng)


def _mix(variants: NDArray[np.float32], rng: Rng) -> Bgr:
    weights = rng.dirichlet(np.full(len(variants), 0.6))
    mixed = np.tensordot(weights, variants, axes=1) + rng.normal(0, 6, 3)
    return np.clip(mixed[:, ::-1], 0, 255).astype(np.float32)
