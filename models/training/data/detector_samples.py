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
from models.training.data.pool import PlatePool
from models.training.synthesis import PlateGenerator
from models.training.synthesis.bodywork import hard_to_read
from models.training.synthesis.kinds import PAPER
from models.training.synthesis.signs import SignPainter

WINDOW_SIZES = ((320, 320), (320, 320), (320, 320), (384, 640))
"""Heights and widths of windows. Each batch draws one, so that the network also learns at its real input size."""
NEIGHBORS = 0.25
"""Share of plates with something right beside them that is easily taken for a part of them."""
PAINTED = 2.0
"""How much more often than others painted numbers are shown: they have no edge that says where they end."""
TAILGATES = 0.12
"""Share of windows with the rear of a lorry, its number painted across it, set over the photo."""
CLOSE = 0.35
"""Share of added plates that fill most of the window, as a card held before the camera does."""
CARDS = 0.5
"""Share of these that are paper cards."""
NEIGHBOUR = 0.5
"""Share of things above or below a plate that are another country's plate, as cross-border cars carry one."""
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
        kinds = [plate.kind for plate in self.pool.plates]
        self.cards = np.flatnonzero(np.isin(kinds, PAPER)) if set(kinds) & set(PAPER) else np.arange(len(kinds))
        self.signs = SignPainter()
        self.generator = PlateGenerator(data.data_root())

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
            if rng.random() < CROWDED:
                self._crowd(window, corners, rng)
        if rng.random() < TAILGATES:
            self._add_tailgate(window, rng)
        elif rng.random() < 0.3:
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
        flat = hard_to_read(self.pool.picture(i), plate, rng)
        seamless = rng.uniform(0.7, 1.0) if plate.kind.startswith("painted") and rng.random() < SEAMLESS else 0.0
        swap_plate(photo, corners, flat, new, rng, seamless)
        return new

    def _add_plates(self, window: Window, rng: Rng) -> None:
        """Adds plates at random positions: the network must find a plate without the car around it too."""
        for _ in range(int(rng.integers(1, 3))):
            close = rng.random() < CLOSE
            card = close and rng.random() < CARDS
            i = int(rng.choice(self.cards)) if card else self._drawn(rng)
            corners = _somewhere(window, self.pool.plates[i].aspect, rng, close)
            taken = window.plates + window.ignore
            if len(taken) < MAX_PLATES and not any(overlap(corners, other) for other in taken):
                flat = hard_to_read(self.pool.picture(i), self.pool.plates[i], rng)
                flat[..., :3] = degrade.light(np.ascontiguousarray(flat[..., :3]), rng, 0.7)
                paste_plate(window.image, flat, corners, rng)
                window.plates.append(corners)

    def _add_tailgate(self, window: Window, rng: Rng) -> None:
        """A lorry's rear over the middle of the window; what it covers of other plates is not learnt."""
        gate = self.generator.tailgate(rng)
        height, width = gate.image.shape[:2]
        outline = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        room = np.array(window.image.shape[1::-1])
        scale = rng.uniform(0.5, 1.15) * min(room[0] / width, 1.2 * room[1] / height)
        turned = outline - outline.mean(axis=0)
        turned = turned @ _linear_part(rng, scale)[:, :2].T + room * rng.uniform(0.35, 0.65, 2)
        turned = (turned + rng.normal(0, 0.02, (4, 2)) * width * scale).astype(np.float32)
        flat = np.dstack([degrade.light(gate.image, rng, 0.7), np.full((height, width), 255, np.uint8)])
        window.ignore += [plate for plate in window.plates if _overlap(plate, turned)]
        window.plates = [plate for plate in window.plates if not _overlap(plate, turned)]
        paste_plate(window.image, flat, turned, rng)
        matrix = cv2.getPerspectiveTransform(outline, turned)
        for plate in gate.plates:
            corners = cv2.perspectiveTransform(plate[None], matrix)[0]
            whole = np.all((corners > -0.05 * room) & (corners < 1.05 * room))
            wide = np.linalg.norm(corners[1] - corners[0]) >= NARROWEST
            (window.plates if whole and wide else window.ignore).append(corners)
        del window.plates[MAX_PLATES:], window.ignore[MAX_PLATES:]

    def _crowd(self, window: Window, corners: Corners, rng: Rng) -> None:
        """Lettering above or below a plate, as a second row would stand, or something bright, dark or lettered at its
        ends: where the number ends, the plate ends."""
        side = int(rng.integers(4))
        level = side % 2 == 0  # above or below
        neighbour = level and rng.random() < NEIGHBOUR
        if level:
            start = rng.uniform(-0.1, 0.5)
            across = (start, start + rng.uniform(0.4, 0.9))
            near, far = -rng.uniform(0.04, 0.3), -rng.uniform(0.5, 1.1)
            if neighbour:
                across, near = (rng.uniform(-0.2, 0.1), rng.uniform(0.85, 1.2)), -rng.uniform(0, 0.12)
            down = (far, near) if side == 0 else (1 - near, 1 - far)
        else:
            near, far = -rng.uniform(0.01, 0.06), -rng.uniform(0.12, 0.35)
            across = (far, near) if side == 3 else (1 - near, 1 - far)
            down = (rng.uniform(-0.15, 0.15), rng.uniform(0.85, 1.15))
        unit = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        box = np.array(
            [[across[0], down[0]], [across[1], down[0]], [across[1], down[1]], [across[0], down[1]]], np.float32
        )
        place = cv2.perspectiveTransform(box[None], cv2.getPerspectiveTransform(unit, corners))[0]
        if any(_overlap(place, other) for other in window.plates if other is not corners):
            return
        if level or rng.random() < 0.4:
            sign = self.signs.foreign(rng)[0] if neighbour else self.signs.draw(rng)
        else:
            tone = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.full(3, rng.choice((rng.integers(50), 255)))
            sign = np.broadcast_to(tone.astype(np.uint8), (24, 24, 3)).copy()
        alpha = np.full((*sign.shape[:2], 1), 255, np.uint8)
        if level and not neighbour and rng.random() < 0.5:  # letters alone, on the car's own sheet
            ground = sign.reshape(-1, 3)[0].astype(np.int16)
            alpha = np.where(np.abs(sign.astype(np.int16) - ground).sum(-1, keepdims=True) > 90, 255, 0).astype(
                np.uint8
            )
        paste_plate(window.image, np.concatenate([sign, alpha], axis=-1), place.astype(np.float32), rng)

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


def _somewhere(window: Window, aspect: float, rng: Rng, close: bool = False) -> Corners:
    """Corners (4, 2) for a flat thing of ``aspect`` (width by height), at a place and turn of chance.

    ``close`` makes it fill most of the window.
    """
    height, width = window.image.shape[:2]
    own_width = np.exp(rng.uniform(np.log(24), np.log(min(width * 0.7, 300))))
    size = np.array([own_width, own_width / aspect * rng.uniform(0.9, 1.3)])
    center = rng.uniform((0.1 * width, 0.1 * height), (0.9 * width, 0.9 * height))
    if close:
        size = size / size[0] * rng.uniform(0.5, 0.97) * min(width, 0.95 * height * aspect)
        center = np.array([width, height]) * (0.5 + rng.normal(0, 0.06, 2))
    unit = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]]) + rng.normal(0, 0.03, (4, 2))
    angle = rng.normal(0, 0.12)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((unit * size) @ turn.T + center, np.float32)


def _corners_of(box: tuple[float, float, float, float]) -> Corners:
    x, y, w, h = box
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)


def _overlap(a: Corners, b: Corners) -> bool:
    return bool(np.all(a.min(axis=0) < b.max(axis=0) + 4) and np.all(b.min(axis=0) < a.max(axis=0) + 4))


def _view(photo: Image, plates: list[Corners], boxes: list[Corners], rng: Rng, height: int, width: int) -> Window:
    """A window on the photo: turned, scaled and mirrored-free, with one plate in it most of the time."""
    rows, columns = photo.shape[:2]
    fit = min(width / columns, height / rows)
    focus = np.array([columns / 2, rows / 2])
    if plates and rng.random() < 0.93:
        plate = plates[int(rng.integers(len(plates)))]
        focus = plate.mean(axis=0)
        seen = float(np.linalg.norm(plate[1] - plate[0]))
        if rng.random() < 0.35:  # the whole photo, as the device sees it
            scale = fit * rng.uniform(0.85, 1.15)
            focus = focus * 0.3 + np.array([columns / 2, rows / 2]) * 0.7
        else:
            widest = min(WIDEST, 0.9 * width)
            scale = np.exp(rng.uniform(np.log(NARROWEST), np.log(widest))) / seen
            scale = float(np.clip(scale, 0.75 * fit, 3.0))
    else:
        scale = fit * np.exp(rng.uniform(-0.3, 1.2))
        focus = rng.uniform((0, 0), (columns, rows))
    matrix = _linear_part(rng, scale)
    placed = matrix[:, :2] @ focus + matrix[:, 2]
    goal = rng.uniform((0.2 * width, 0.2 * height), (0.8 * width, 0.8 * height))
    matrix[:, 2] += goal - placed
    if scale < 0.5:
        photo = np.asarray(cv2.blur(photo, (round(0.9 / scale), round(0.9 / scale))), np.uint8)
    border = cv2.BORDER_CONSTANT if rng.random() < 0.5 else cv2.BORDER_REFLECT
    # Corners count from the outer edge of the first pixel, as the runtime's letterbox does; OpenCV from its centre.
    warp = matrix.copy()
    warp[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    image = cv2.warpAffine(photo, warp, (width, height), borderMode=border, borderValue=(114, 114, 114))
    window = Window(np.asarray(image, np.uint8))
    mirrored = border == cv2.BORDER_REFLECT
    for corners, kept in [(p, window.plates) for p in plates] + [(b, window.ignore) for b in boxes]:
        moved = (corners @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        low, high = moved.min(axis=0), moved.max(axis=0)
        inside = np.clip(np.minimum(high, (width, height)) - np.maximum(low, 0), 0, None)
        share = float(inside.prod() / max((high - low).prod(), 1))
        if share <= 0:
            continue
        too_small = np.linalg.norm(moved[1] - moved[0]) < NARROWEST * 0.9
        target = window.ignore if share < 0.85 or too_small else kept
        if len(target) < MAX_PLATES:
            target.append(moved)
    if mirrored:  # a mirrored plate in the border is neither a plate nor a lesson
        _ignore_border(window, matrix, rows, columns)
    return window


def _linear_part(rng: Rng, scale: float) -> NDArray[np.float64]:
    """A 2 x 3 matrix that turns, shears and foreshortens about the origin: mildly, or as a camera does that is badly
    placed."""
    steep = rng.random() < 0.35
    angle = np.deg2rad(rng.uniform(-24, 24) if steep else rng.normal(0, 4))
    shear_x, shear_y = rng.normal(0, 0.16 if steep else 0.04, 2)
    narrow = rng.uniform(0.5, 1.1) if steep else np.exp(rng.normal(0, 0.07))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1, shear_x], [shear_y, 1]]) @ np.diag([narrow, np.exp(rng.normal(0, 0.07))])
    return np.hstack([scale * linear, np.zeros((2, 1))])


def _ignore_border(window: Window, matrix: NDArray[np.float64], rows: int, columns: int) -> None:
    height, width = window.image.shape[:2]
    outline = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
    low = (outline @ matrix[:, :2].T + matrix[:, 2]).min(axis=0)
    high = (outline @ matrix[:, :2].T + matrix[:, 2]).max(axis=0)
    strips = [
        (0, 0, low[0], height),
        (high[0], 0, width - high[0], height),
        (0, 0, width, low[1]),
        (0, high[1], width, height - high[1]),
    ]
    for strip in strips:
        if strip[2] > 0 and strip[3] > 0 and len(window.ignore) < MAX_PLATES:
            window.ignore.append(_corners_of(strip))


def _add_clutter(window: Window, rng: Rng) -> None:
    """Timestamps, drawn boxes and signs: what other detectors take for plates."""
    image = window.image
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        color = tuple(int(c) for c in rng.integers(0, 256, 3))
        x, y = int(rng.integers(width)), int(rng.integers(height))
        choice = rng.random()
        if choice < 0.5:
            text = "".join(rng.choice(list("0123456789-:/ ABCDEFX.")) for _ in range(int(rng.integers(5, 20))))
            if rng.random() < 0.5:
                year, month, day, minute = (int(rng.integers(*r)) for r in ((10, 30), (1, 13), (1, 29), (0, 60)))
                text = f"20{year}-{month:02}-{day:02} 12:{minute:02}"
            scale = rng.uniform(0.3, 0.9)
            box = _corners_of((x, y - 24 * scale, 20 * scale * len(text), 32 * scale))
            if not any(_overlap(box, plate) for plate in window.plates):
                face = int(rng.choice([cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_PLAIN]))
                cv2.putText(image, text, (x, y), face, scale, color, int(rng.integers(1, 3)), cv2.LINE_AA)
        elif choice < 0.75:  # an empty sign in a plate's colours and shape
            w = rng.uniform(20, 160)
            box = _corners_of((x, y, w, w / rng.uniform(1.5, 4)))
            if not any(_overlap(box, plate) for plate in window.plates):
                ground = [(160, 60, 20), (40, 190, 230), (60, 160, 40), (230, 230, 230), (20, 20, 20)]
                cv2.fillConvexPoly(image, box.astype(np.int32), ground[int(rng.integers(5))], cv2.LINE_AA)
        else:  # a box drawn by another program, around anything, plates included
            w = int(rng.uniform(20, 200))
            cv2.rectangle(image, (x, y), (x + w, y + int(w * rng.uniform(0.3, 1))), color, 1)


def _weather(image: Image, rng: Rng) -> Image:
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
