"""Training samples of the detector: windows of real photos, many with their plates swapped, and distractors.

A sample is one window at network scale, with the corners of its plates and of the areas where nothing is learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from edge_lpr.vision.detector import letterbox
from models.training.arrays import Corners, Image, Rng
from models.training.augment import degrade
from models.training.augment.plate_swap import fitted_corners, paste_plate, swap_plate
from models.training.data import datasets
from models.training.data.distractors import add_neighbor, add_overlays, add_signs
from models.training.data.lorries import add_tailgate
from models.training.data.pool import PlatePool
from models.training.data.tensors import picture_tensor
from models.training.data.windows import MAX_PLATES, Window, anywhere, view
from models.training.geometry import box_corners, overlap
from models.training.networks.inputs import DETECTOR_INPUT
from models.training.synthesis import PlateGenerator
from models.training.synthesis.bodywork import with_bodywork
from models.training.synthesis.kinds import PAPER
from models.training.synthesis.signs import SignPainter

WINDOW_SIZES = ((320, 320), (320, 320), (320, 320), (384, 640))
"""Heights and widths of windows. Each batch draws one, so that the network also learns at its real input size."""
NEIGHBORS = 0.35
"""Share of plates with something right beside them that is easily taken for a part of them."""
PAINTED = 2.0
"""How much more often painted numbers are drawn than other plates: no edge shows where they end."""
TAILGATES = 0.25
"""Share of windows with a lorry's rear, whose number is painted across it, over the photo."""
ADDED = 0.4
"""Share of other windows with one or two plates at random positions."""
CLOSE = 0.45
"""Share of added plates that fill most of the window, as a card held before the camera."""
CARDS = 0.5
"""Share of these that are paper plates."""
SEAMLESS = 0.4
"""Share of swapped painted numbers whose ground has the car's own colour."""


class Windows(NamedTuple):
    """One window, or a batch of them with one more dimension in front."""

    pictures: torch.Tensor
    """uint8 (3, H, W), RGB."""
    plates: torch.Tensor
    """float32 (8, 4, 2): corners in pixels; NaN where there is no plate."""
    ignore: torch.Tensor
    """float32 (8, 4, 2): corners of the ignored areas, likewise."""


class WindowSampler:
    """Draws windows of the training photos without end."""

    def __init__(self, pools: Sequence[Path]) -> None:
        self.scenes = datasets.scenes("train")
        self.photos = [scene.load() for scene in self.scenes]  # about 2 GB, which forked workers share
        self.pool = PlatePool(pools)
        shares = np.array([PAINTED if plate.kind.startswith("painted") else 1.0 for plate in self.pool.plates])
        self.cumulative = np.cumsum(shares / shares.sum())
        kinds = np.array([plate.kind for plate in self.pool.plates])
        self.cards = np.flatnonzero(np.isin(kinds, PAPER))
        self.signs = SignPainter()
        self.generator = PlateGenerator(datasets.data_root())

    def batch(self, rng: Rng, size: int) -> Windows:
        """Draws windows of one size, together as large as ``size`` windows of 320 x 320."""
        height, width = WINDOW_SIZES[int(rng.integers(len(WINDOW_SIZES)))]
        count = max(1, size * 320 * 320 // (height * width))
        pictures, plates, ignore = zip(*(self.sample(rng, height, width) for _ in range(count)), strict=True)
        return Windows(torch.stack(pictures), torch.stack(plates), torch.stack(ignore))

    def sample(self, rng: Rng, height: int, width: int) -> Windows:
        """Draws one window of ``height`` x ``width`` pixels."""
        index = int(rng.integers(len(self.scenes)))
        scene = self.scenes[index]
        photo = self.photos[index].copy()
        plates = [p.quad for p in scene.plates]
        if rng.random() < 0.65:
            plates = [self._swapped(photo, corners, rng) if rng.random() < 0.85 else corners for corners in plates]
        window = view(photo, plates, [box_corners(box) for box in scene.ignore], rng, height, width)
        for corners in window.plates:
            if rng.random() < NEIGHBORS:
                add_neighbor(window, corners, self.signs, rng)
        if rng.random() < TAILGATES:
            add_tailgate(window, self.generator.tailgate(rng), rng)
        elif rng.random() < ADDED:
            self._add_plates(window, rng)
        if rng.random() < 0.25:
            add_overlays(window, rng)
        if rng.random() < 0.35:
            add_signs(window, self.signs, rng)
        return _tensors(_degraded(window.image, rng), window)

    def _draw_index(self, rng: Rng) -> int:
        """Draws the index of a plate of the pool."""
        return int(np.searchsorted(self.cumulative[:-1], rng.random()))

    def _swapped(self, photo: Image, corners: Corners, rng: Rng) -> Corners:
        """Replaces the plate at ``corners`` by one of the pool, in place. Returns the new plate's corners."""
        i = self._draw_index(rng)
        plate = self.pool.plates[i]
        new = fitted_corners(corners, plate.aspect, rng)
        flat = with_bodywork(self.pool.picture(i), plate, rng)
        seamless = rng.uniform(0.7, 1.0) if plate.kind.startswith("painted") and rng.random() < SEAMLESS else 0.0
        swap_plate(photo, corners, flat, new, rng, seamless)
        return new

    def _add_plates(self, window: Window, rng: Rng) -> None:
        """Adds plates at random positions: the network must find a plate without the car around it too."""
        for _ in range(int(rng.integers(1, 3))):
            close = rng.random() < CLOSE
            is_card = close and len(self.cards) > 0 and rng.random() < CARDS
            i = int(rng.choice(self.cards)) if is_card else self._draw_index(rng)
            corners = anywhere(window, self.pool.plates[i].aspect, rng, close)
            taken = window.plates + window.ignore
            if len(taken) < MAX_PLATES and not any(overlap(corners, other) for other in taken):
                flat = with_bodywork(self.pool.picture(i), self.pool.plates[i], rng)
                flat[..., :3] = degrade.light(np.ascontiguousarray(flat[..., :3]), rng, 0.7)
                paste_plate(window.image, flat, corners, rng)
                window.plates.append(corners)


def whole_photo(photo: Image) -> tuple[Image, float]:
    """Returns ``photo`` at the detector's input size, as the runtime's ``letterbox`` does, and the scale.

    Unlike the runtime, photos smaller than the input are enlarged by ``INTER_AREA``, as in all training runs so far.
    """
    height, width = DETECTOR_INPUT
    scale = min(width / photo.shape[1], height / photo.shape[0])
    size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
    fitted = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    canvas, _ = letterbox(fitted, width, height)  # already fits, so this only adds the border
    return canvas, scale


def _degraded(image: Image, rng: Rng) -> Image:
    """Degrades a window as light, lens, movement and compression do."""
    if rng.random() < 0.2:
        image = degrade.shade(image, rng)
    if rng.random() < 0.06:
        image = degrade.glare(image, rng)
    if rng.random() < 0.06:
        image = degrade.rain(image, rng)
    image = degrade.light(image, rng, 0.8)
    if rng.random() < 0.08:
        image = degrade.night(image, rng)
    if rng.random() < 0.07:
        image = degrade.overexposed(image, rng)
    if rng.random() < 0.08:
        image = degrade.infrared(image, rng)
    if rng.random() < 0.12:
        image = degrade.motion_blur(image, rng, 6)
    if rng.random() < 0.12:
        image = degrade.focus_blur(image, rng, 1.6)
    if rng.random() < 0.3:
        image = degrade.noise(image, rng, 0.6)
    if rng.random() < 0.25:
        image = degrade.jpeg(image, rng, 30)
    return image


def _tensors(image: Image, window: Window) -> Windows:
    arrays = []
    for items in (window.plates, window.ignore):
        array = np.full((MAX_PLATES, 4, 2), np.nan, np.float32)
        for i, corners in enumerate(items[:MAX_PLATES]):
            array[i] = corners
        arrays.append(torch.from_numpy(array))
    return Windows(picture_tensor(image), arrays[0], arrays[1])
