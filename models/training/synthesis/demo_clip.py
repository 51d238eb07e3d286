"""The demonstration clip: a drawn gate, drawn vehicles and rendered plates. It contains no photo.

python -m models.training.synthesis.demo_clip --out models/demo/demo.mp4
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_lpr.errors import InputError
from models.training import command
from models.training.arrays import Image, Rng
from models.training.augment import degrade
from models.training.augment.plate_swap import paste_plate
from models.training.data.datasets import data_root
from models.training.synthesis import PlateGenerator

Bgr = tuple[int, int, int]

WIDTH, HEIGHT, FPS = 960, 540, 15
FRAMES_EACH, GAP = 48, 14
HORIZON = 190


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One car of the clip; ``shape`` is "car" or "truck"."""

    kind: str
    number: str
    shape: str
    paint: Bgr


VEHICLES = (
    Vehicle("blue", "京N8F2K6", "car", (58, 52, 150)),
    Vehicle("nev_small", "粤BD30517", "car", (206, 200, 192)),
    Vehicle("yellow", "冀B7H905", "truck", (150, 96, 40)),
    Vehicle("police", "苏A2963警", "car", (235, 235, 235)),
)


def gate() -> Image:
    """Draws the empty scene: sky, a wall, the lane, a booth and the barrier's post."""
    scene = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    down = np.linspace(0, 1, HEIGHT)[:, None]
    sky = (1 - down) * np.array([[214, 190, 160]]) + down * np.array([[232, 226, 220]])
    ground = (1 - down) * np.array([[104, 104, 106]]) + down * np.array([[82, 84, 86]])
    scene[:] = np.where(np.arange(HEIGHT)[:, None, None] < HORIZON, sky[:, None], ground[:, None]).astype(np.uint8)
    cv2.rectangle(scene, (0, 130), (WIDTH, HORIZON), (150, 158, 166), -1)
    for x in range(0, WIDTH, 60):
        cv2.line(scene, (x, 130), (x, HORIZON), (136, 144, 152), 1, cv2.LINE_AA)
    for side in (-1, 1):
        near, far = WIDTH // 2 + side * 520, WIDTH // 2 + side * 120
        line = np.array([[far, HORIZON], [far + side * 6, HORIZON], [near + side * 40, HEIGHT], [near, HEIGHT]])
        cv2.fillConvexPoly(scene, line, (208, 212, 214), cv2.LINE_AA)
    cv2.rectangle(scene, (40, 90), (190, 400), (96, 110, 92), -1)
    cv2.rectangle(scene, (62, 130), (168, 250), (70, 62, 52), -1)
    cv2.rectangle(scene, (210, 240), (236, 430), (40, 150, 220), -1)
    return scene


def vehicle_picture(vehicle: Vehicle) -> tuple[Image, NDArray[np.float32]]:
    """Draws the vehicle's front, BGRA. Returns it and the corners (4, 2) of its plate."""
    if vehicle.shape == "truck":
        return _truck(vehicle.paint)
    return _car(vehicle.paint)


def _shaded(color: Bgr, factor: float) -> Bgr:
    blue, green, red = (int(np.clip(c * factor, 0, 255)) for c in color)
    return blue, green, red


def _poly(canvas: Image, points: list[tuple[int, int]], color: Bgr) -> None:
    cv2.fillPoly(canvas, [np.array(points, np.int32)], (*color, 255), cv2.LINE_AA)


def _car(paint: Bgr) -> tuple[Image, NDArray[np.float32]]:
    art = np.zeros((640, 900, 4), np.uint8)
    cv2.ellipse(art, (450, 606), (410, 24), 0, 0, 360, (40, 40, 42, 170), -1, cv2.LINE_AA)
    for x in (110, 690):
        _poly(art, [(x, 470), (x + 100, 470), (x + 94, 616), (x + 6, 616)], (28, 28, 30))
    _poly(art, [(250, 40), (650, 40), (752, 240), (148, 240)], _shaded(paint, 0.82))
    _poly(art, [(272, 58), (628, 58), (712, 226), (188, 226)], (88, 78, 66))
    _poly(art, [(300, 70), (420, 70), (300, 222), (206, 222)], (116, 106, 94))
    _poly(art, [(120, 236), (780, 236), (836, 330), (836, 520), (64, 520), (64, 330)], paint)
    _poly(art, [(136, 240), (764, 240), (790, 290), (110, 290)], _shaded(paint, 1.12))
    _poly(art, [(64, 500), (836, 500), (800, 570), (100, 570)], _shaded(paint, 0.7))
    _poly(art, [(270, 316), (630, 316), (606, 400), (294, 400)], (34, 34, 36))
    for y in range(330, 398, 14):
        cv2.line(art, (286, y), (614, y), (92, 94, 96, 255), 2, cv2.LINE_AA)
    cv2.circle(art, (450, 354), 22, (176, 178, 180, 255), 4, cv2.LINE_AA)
    for side in (-1, 1):
        x = 450 + side * 290
        _poly(art, [(x - 76, 316), (x + 76, 306), (x + 70, 366), (x - 60, 376)], (220, 222, 224))
        cv2.circle(art, (x, 342), 24, (250, 250, 250, 255), -1, cv2.LINE_AA)
        cv2.circle(art, (x, 342), 24, (150, 152, 156, 255), 2, cv2.LINE_AA)
    plate = np.array([[337, 428], [563, 428], [563, 500], [337, 500]], np.float32)
    return art, plate


def _truck(paint: Bgr) -> tuple[Image, NDArray[np.float32]]:
    art = np.zeros((860, 900, 4), np.uint8)
    cv2.ellipse(art, (450, 826), (410, 24), 0, 0, 360, (40, 40, 42, 170), -1, cv2.LINE_AA)
    for x in (90, 700):
        _poly(art, [(x, 640), (x + 110, 640), (x + 110, 840), (x, 840)], (26, 26, 28))
    _poly(art, [(90, 30), (810, 30), (850, 420), (850, 770), (50, 770), (50, 420)], paint)
    _poly(art, [(130, 130), (770, 130), (806, 400), (94, 400)], (84, 74, 62))
    _poly(art, [(160, 140), (330, 140), (250, 392), (120, 392)], (110, 100, 88))
    _poly(art, [(180, 450), (720, 450), (720, 590), (180, 590)], (44, 44, 46))
    for y in range(470, 590, 24):
        cv2.line(art, (190, y), (710, y), (98, 100, 102, 255), 4, cv2.LINE_AA)
    for x in (118, 782):
        cv2.ellipse(art, (x, 540), (48, 40), 0, 0, 360, (236, 238, 240, 255), -1, cv2.LINE_AA)
    _poly(art, [(50, 640), (850, 640), (840, 790), (60, 790)], (62, 64, 66))
    plate = np.array([[337, 672], [563, 672], [563, 744], [337, 744]], np.float32)
    return art, plate


def frames(seed: int) -> list[Image]:
    """Draws all frames, BGR."""
    rng = np.random.default_rng(seed)
    generator = PlateGenerator(data_root())
    scene = gate()
    clip: list[Image] = [scene.copy() for _ in range(GAP)]
    for vehicle in VEHICLES:
        art, place = vehicle_picture(vehicle)
        plate = generator.render(vehicle.kind, rng, vehicle.number)
        for i in range(FRAMES_EACH):
            clip.append(_frame(scene, art, place, plate.cut_out, i / (FRAMES_EACH - 1), rng))
        clip += [scene.copy() for _ in range(GAP)]
    return [degrade.noise(frame, rng, 0.25) for frame in clip]


def _frame(scene: Image, art: Image, place: NDArray[np.float32], flat: Image, t: float, rng: Rng) -> Image:
    """Draws a frame of one vehicle; ``t`` is 0.0 far away and 1.0 at the barrier."""
    size = 0.20 + 0.62 * t**1.5
    foot = np.array([WIDTH / 2 + 70 * (1 - t), HORIZON + 60 + 300 * t**1.5])
    height, width = art.shape[:2]
    shift = foot - np.array([width / 2, height * 0.96]) * size
    matrix = np.array([[size, 0, shift[0]], [0, size, shift[1]]])
    placed = cv2.warpAffine(art, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA)
    alpha = placed[..., 3:].astype(np.float32) / 255
    frame = (placed[..., :3] * alpha + scene * (1 - alpha)).astype(np.uint8)
    corners = (place @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    if corners[:, 1].max() < HEIGHT:
        paste_plate(frame, flat, corners, rng)
    return frame


def main() -> None:
    """Writes the clip."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--out", type=Path, default=Path("models/demo/demo.mp4"), help="file to write")
    parser.add_argument("--seed", type=command.whole, default=18, help="seed of the random choices")
    arguments = parser.parse_args()
    clip = frames(arguments.seed)  # before the writer empties an existing file
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(arguments.out), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise InputError(f"{arguments.out}: cannot be written; give an .mp4 file in a folder with write permission")
    for frame in clip:
        writer.write(frame)
    writer.release()
    print(f"wrote {arguments.out} ({arguments.out.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    command.run(main)
