"""The rendered test set: plates of every kind and province, pasted into validation photos.

    python -m models.training.test_sets.rendered_set --out cache/rendered
    edge-lpr evaluate cache/rendered/scenes

Another ``--seed`` draws other plates in the same way, to choose between models without the test set.

The layout is that of the development data. ``scenes/KIND`` has validation photos of at most 640 x 480 with their plate
swapped, ``crops/KIND`` the same plates cut out at corners with the detector's errors. Labels also have ``kind``,
``category`` and ``condition``: day, night, blur, tilt, dirt or small, in turn.

A person can read every plate, by the rule in ``models.training.test_sets.legibility``. Plates that break it are drawn
again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from rich.progress import track

from edge_lpr.plates import PROVINCES
from models.training import command
from models.training.arrays import Corners, Image, Rng
from models.training.augment.plate_swap import fitted_corners, swap_plate
from models.training.data import datasets
from models.training.synthesis import KINDS, NumberSampler, NumberSettings, PlateGenerator, RenderedPlate
from models.training.test_sets import conditions, legibility
from models.training.test_sets.conditions import CONDITIONS

SEED = 20_000
"""The seed of the test set. Pools for training have other seeds; 21,000 is that of the pictures without plates, 22,000
that of the calibration."""

EACH = 300
SCENE_WIDTH, SCENE_HEIGHT = 640, 480
CHUNK = 30
_RECIPES = "recipes.json"
MAX_ENLARGEMENT = 1.0
"""Photos are not enlarged: a plate that would need it is pasted into another photo."""


@dataclass(frozen=True, slots=True, eq=False)
class TestScene:
    """One scene of the set; ``colored`` is True when the plate's colour is visible."""

    image: Image
    corners: Corners
    plate: RenderedPlate
    condition: str
    colored: bool


def number_of(kind: str, index: int, rng: Rng) -> str:
    """Draws a number of ``kind``; kinds with a province get each province in turn."""
    return _samplers()[index % len(PROVINCES)].sample(kind, rng)


def draw(kind: str, index: int, rng: Rng, seamless: float = 0.0) -> TestScene:
    """Draws scene number ``index`` of ``kind``; ``seamless`` as for ``swap_plate``.

    Raises RuntimeError when no legible plate is found in 200 tries.
    """
    condition = CONDITIONS[index % len(CONDITIONS)]
    for _ in range(200):
        plate = _generator().render(kind, rng, number_of(kind, index, rng))
        scene = _photographed(plate, condition, rng, seamless)
        if scene is not None and legibility.has_contrast(plate, scene.image, scene.corners):
            return scene
    raise RuntimeError(
        f"{kind}: no legible plate in 200 tries; check its layout and models.training.test_sets.legibility"
    )


def cut_out(scene: TestScene, rng: Rng) -> Image:
    """Cuts out the plate at its own size, a little loosely, at corners with a detector's errors."""
    width, height = conditions.size_of(scene.corners)
    center = scene.corners.mean(axis=0)
    loose = np.array(rng.normal((0.02, 0.04), (0.015, 0.03)))
    errors = rng.normal(0, (0.01, 0.025), (4, 2)) * (width, height)
    corners = ((scene.corners - center) * (1 + loose) + center + errors).astype(np.float32)
    size = (max(round(width), 1), max(round(height), 1))
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    # corners count from the outer edge of the first pixel, OpenCV from its centre
    matrix = cv2.getPerspectiveTransform(corners - np.float32(0.5), target - np.float32(0.5))
    return np.asarray(cv2.warpPerspective(scene.image, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def build(
    out: Path, each: int, kinds: tuple[str, ...], processes: int, seed: int = SEED, seamless: float = 0.0
) -> None:
    """Writes ``each`` scenes and crops of every one of ``kinds`` to ``out``; existing ones of these kinds are replaced.

    ``seamless`` (0.0-1.0) shifts each plate's ground to the colour of the car, as for ``swap_plate``.

    Raises FileNotFoundError without the development data and InputError without fonts, before anything is removed.
    """
    _generator()
    recipes = made_by(out)
    for kind in kinds:
        recipes.pop(kind, None)
    _write_recipes(out, recipes)  # first, so that a stopped build does not count as complete
    for kind in kinds:
        for layout in ("scenes", "crops"):
            shutil.rmtree(out / layout / kind, ignore_errors=True)
            (out / layout / kind).mkdir(parents=True)
            (out / layout / f"{kind}.json").unlink(missing_ok=True)
    tasks = [
        _Chunk(out, kind, first, min(first + CHUNK, each), seed, seamless)
        for kind in kinds
        for first in range(0, each, CHUNK)
    ]
    labels: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in kinds}
    # spawned: a fork of a process with OpenCV threads would wait for them forever
    with get_context("spawn").Pool(processes) as workers:
        for kind, part in track(workers.imap(_write_chunk, tasks), "rendering the test set", len(tasks)):
            labels[kind] |= part
    for kind, scenes in labels.items():
        crops = {name: _crop_label(entry) for name, entry in scenes.items()}
        for layout, entries in (("scenes", scenes), ("crops", crops)):
            text = json.dumps(entries, ensure_ascii=False, indent=1)
            (out / layout / f"{kind}.json").write_text(text, "utf-8")
        recipes[kind] = Recipe(code_sum(), seed, seamless)
    _write_recipes(out, recipes)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a kind was drawn; ``code`` is the ``code_sum`` at that time."""

    code: str
    seed: int
    seamless: float


def code_sum() -> str:
    """Returns a checksum of the code that draws the set. A set drawn by other code is out of date."""
    training = Path(__file__).parents[1]
    files = [training / "test_sets" / f"{name}.py" for name in ("rendered_set", "conditions", "legibility")]
    files += [
        training / name for name in ("augment/degrade.py", "augment/plate_swap.py", "data/datasets.py", "fonts.py")
    ]
    files += sorted((training / "synthesis").glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def made_by(out: Path) -> dict[str, Recipe]:
    """Returns the recipe of each complete kind in ``out``; entries of older formats are left out."""
    path = out / _RECIPES
    entries = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return {kind: Recipe(**entry) for kind, entry in entries.items() if isinstance(entry, dict)}


def _write_recipes(out: Path, recipes: dict[str, Recipe]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    entries = {kind: asdict(recipe) for kind, recipe in recipes.items()}
    (out / _RECIPES).write_text(json.dumps(entries, indent=1), "utf-8")


def _photographed(plate: RenderedPlate, condition: str, rng: Rng, seamless: float) -> TestScene | None:
    """Returns ``plate`` in the place of a validation photo's plate; None if that place is too small."""
    places = _places()
    place = places[int(rng.integers(len(places)))]
    photo, old = place.load(), place.plates[0].quad
    flat = plate.cut_out
    if condition == "dirt":
        flat[..., :3] = conditions.dirty(flat[..., :3], rng)
    new = fitted_corners(old, plate.image.shape[1] / plate.image.shape[0], rng)
    least = legibility.smallest_scale(plate, new)
    if least > MAX_ENLARGEMENT or not legibility.is_sharp_enough(plate, new, condition):
        return None
    more = rng.uniform(1.0, 1.25) if condition == "small" else np.exp(rng.uniform(np.log(1.3), np.log(3.6)))
    scale = min(least * more, MAX_ENLARGEMENT)
    window = _window(photo, new, scale, rng)
    if window is None:
        return None
    x, y, width, height = window
    image = photo[y : y + height, x : x + width].copy()
    shift = np.array([x, y], np.float32)
    swap_plate(image, old - shift, flat, new - shift, rng, seamless)
    image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    corners = ((new - shift) * (image.shape[1] / width, image.shape[0] / height)).astype(np.float32)
    if condition == "tilt":
        image, corners = conditions.tilted(image, corners, rng)
        if not _inside(corners, image) or legibility.smallest_scale(plate, corners) > 1:
            return None
    image, colored = conditions.photographed(image, condition, legibility.character_size(plate, corners), rng)
    return TestScene(image, corners, plate, condition, colored)


def _window(photo: Image, corners: Corners, scale: float, rng: Rng) -> tuple[int, int, int, int] | None:
    """Draws x, y, width and height of the part of ``photo`` to show; None if the plate is not whole in it."""
    if not _inside(corners, photo):
        return None
    rows, columns = photo.shape[:2]
    width, height = min(columns, round(SCENE_WIDTH / scale)), min(rows, round(SCENE_HEIGHT / scale))
    middle = corners.mean(axis=0) - rng.uniform(0.3, 0.7, 2) * (width, height)
    low, high = corners.max(axis=0) + 4 - (width, height), corners.min(axis=0) - 4
    if np.any(low > high):
        return None
    x, y = np.clip(np.clip(middle, low, high), 0, (columns - width, rows - height)).astype(int)
    return int(x), int(y), width, height


def _inside(corners: Corners, image: Image) -> bool:
    height, width = image.shape[:2]
    return bool(np.all(corners >= 0) and np.all(corners <= (width, height)))


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The work of one process at a time: the scenes from ``first`` to before ``end`` of ``kind``."""

    out: Path
    kind: str
    first: int
    end: int
    seed: int
    seamless: float


def _write_chunk(task: _Chunk) -> tuple[str, dict[str, dict[str, Any]]]:
    out, kind = task.out, task.kind
    cv2.setNumThreads(1)  # there are as many processes as cores
    rng = np.random.default_rng((task.seed, KINDS.index(kind), task.first))
    labels: dict[str, dict[str, Any]] = {}
    for index in range(task.first, task.end):
        scene = draw(kind, index, rng, task.seamless)
        name = f"{kind}_{index:05}.jpg"
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 92))]
        cv2.imwrite(str(out / "scenes" / kind / name), scene.image, quality)
        cv2.imwrite(str(out / "crops" / kind / name), cut_out(scene, rng), [cv2.IMWRITE_JPEG_QUALITY, 92])
        labels[name] = _scene_label(scene)
    return kind, labels


def _scene_label(scene: TestScene) -> dict[str, Any]:
    height, width = scene.image.shape[:2]
    plate = {
        "number": scene.plate.number,
        "color": scene.plate.color.value if scene.colored else None,
        "rows": scene.plate.rows,
        "category": scene.plate.category.value,
        "kind": scene.plate.kind,
        "condition": scene.condition,
        "quad": scene.corners.round(2).tolist(),
        "label": "rendered",
        "split": "val",
    }
    return {"width": width, "height": height, "plates": [plate], "ignore": []}


def _crop_label(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry["plates"][0].items() if name != "quad"}


@cache
def _generator() -> PlateGenerator:
    return PlateGenerator(datasets.data_root())


@cache
def _samplers() -> list[NumberSampler]:
    """Returns one sampler for each province."""
    return [
        NumberSampler(NumberSettings(province_weights={other: 0.0 for other in PROVINCES if other != province}))
        for province in PROVINCES
    ]


@cache
def _places() -> list[datasets.Scene]:
    """Returns the validation photos with one plate and no ignored area."""
    return [scene for scene in datasets.scenes("val") if len(scene.plates) == 1 and not scene.ignore]


def main() -> None:
    """Writes the set."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--each", type=command.count, default=EACH, help="plates of each kind")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this kind; may be given again")
    parser.add_argument("--seed", type=command.whole, default=SEED, help="seed of the plates and their positions")
    parser.add_argument("--seamless", type=float, default=0.0, help="0.0-1.0: plates' ground in the car's own colour")
    parser.add_argument("--processes", type=command.count, default=2, help="processes that render")
    chosen = parser.parse_args()
    if not 0 <= chosen.seamless <= 1:
        parser.error(f"--seamless {chosen.seamless:g}: give a share from 0.0 to 1.0")
    kinds = tuple(chosen.kind or KINDS)
    build(chosen.out, chosen.each, kinds, chosen.processes, chosen.seed, chosen.seamless)


if __name__ == "__main__":
    command.run(main)
