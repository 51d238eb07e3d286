"""The measurement behind acceptance and report: everything read once with the shipped runtime, and the options."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from edge_lpr.config import ReaderSettings
from edge_lpr.errors import InputError
from edge_lpr.vision.detector import Detector
from edge_lpr.vision.reader import PlateReader
from models.training import command
from models.training.data.datasets import data_root
from models.training.measure import composed, costs, float_reference
from models.training.measure.composed import ComposedRecord
from models.training.measure.costs import Costs
from models.training.measure.records import NegativeRecords, PlateRecord, read_negatives, read_plates
from models.training.synthesis import KINDS
from models.training.test_sets import composed as composed_scenes
from models.training.test_sets import negatives, rendered_set
from models.training.test_sets.rendered_set import Recipe

TIMED_SET = "scenes/toll"
"""Frames for timing are from this set: photos of a gate camera, with one plate each."""
TIMED_REPEATS = 20


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the command line.

    ``each`` is the number of rendered plates of every kind, ``negatives`` that of scenes of every source, ``composed``
    that of composed scenes of every cell. All are drawn from ``seed``; None is the test set's.
    """

    models: Path
    seed: int | None
    rendered: Path | None
    each: int
    negatives: int
    composed: int
    min_plate_width: int
    threads: int
    float_each: int
    peers: Path

    @property
    def rendered_folder(self) -> Path:
        """The folder of the rendered plates."""
        return self.rendered or Path("cache/rendered" if self.seed is None else f"cache/rendered-{self.seed}")

    @property
    def rendered_seed(self) -> int:
        """The seed of the rendered plates."""
        return rendered_set.SEED if self.seed is None else self.seed

    @property
    def negatives_seed(self) -> int:
        """The seed of the scenes without plates. It differs from the plates' seed, so that the two are independent."""
        return negatives.SEED - rendered_set.SEED + self.rendered_seed

    @property
    def composed_seed(self) -> int:
        """The seed of the composed scenes, another one again."""
        return composed_scenes.SEED - rendered_set.SEED + self.rendered_seed


@dataclass(frozen=True, slots=True)
class FloatComparison:
    """The same pictures read with the int8 files and with the float checkpoints."""

    int8: list[PlateRecord]
    floating: list[PlateRecord]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The result of one run.

    ``float_comparison`` is None where torch is absent. ``peers`` maps each peer to how many times longer it takes; it
    is None where the peers were not measured.
    """

    real: list[PlateRecord]
    rendered: list[PlateRecord]
    negatives: NegativeRecords
    composed: list[ComposedRecord]
    costs: Costs
    float_comparison: FloatComparison | None
    peers: dict[str, float] | None


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that ``acceptance`` and ``report`` share."""
    add = parser.add_argument
    add("--models", type=Path, default=Path("models"), help="folder of the model pair")
    add("--seed", type=command.whole, help="draw other rendered plates and scenes without plates than the test set's")
    add("--rendered", type=Path, help="folder of the rendered plates; made if absent (default: cache/rendered[-SEED])")
    add("--each", type=command.count, default=rendered_set.EACH, help="rendered plates of each kind")
    add("--negatives", type=command.count, default=1000, help="scenes without plates of each source")
    add("--composed", type=command.whole, default=composed.EACH, help="composed scenes of each cell; 0: none")
    add("--min-plate-width", type=int, default=8, help="pixels; narrower plates are not read")
    add("--threads", type=command.count, default=2, help="threads of the reader; costs are measured on one")
    add("--float-each", type=command.count, default=60, help="rendered plates of each kind for int8 against float")
    add("--peers", type=Path, default=Path("cache/peers.json"), help="file that `make peers-bench` wrote")


def parse_options(arguments: argparse.Namespace) -> Options:
    """Returns the options of parsed ``arguments``."""
    return Options(**{name: getattr(arguments, name) for name in Options.__slots__})


def measure(options: Options, console: Console) -> Measurement:
    """Reads every picture.

    Raises, before the first picture: ModelError for models that do not load, FileNotFoundError without development
    data or, where torch is present, without checkpoints, and InputError without fonts.
    """
    settings = ReaderSettings(
        models_dir=options.models, min_plate_width=options.min_plate_width, threads=options.threads
    )
    reader = PlateReader.open(settings)
    detector = Detector(reader.models.detector, options.threads)
    negatives.need_font()
    if float_reference.torch_available():
        float_reference.require_checkpoints(options.models)
    _make_rendered(options)
    real = read_plates(data_root(), False, reader, detector, console)
    rendered = read_plates(options.rendered_folder, True, reader, detector, console, options.each)
    timed = [record.path for record in real if record.dataset == TIMED_SET]
    return Measurement(
        real=real,
        rendered=rendered,
        negatives=_read_negatives(options, reader, console),
        composed=composed.read_cells(composed_scenes.cells(), options.composed, options.composed_seed, reader, console),
        costs=costs.measure(settings, timed, TIMED_REPEATS, console),
        float_comparison=_compare_with_float(options, settings, real + rendered, detector, console),
        peers=_peers(options.peers),
    )


def _make_rendered(options: Options) -> None:
    """Makes the kinds of the rendered set that are missing or were drawn by older code.

    Raises InputError for a folder with plates of another seed, so that a set made on purpose is not replaced.
    """
    folder, seed = options.rendered_folder, options.rendered_seed
    current, recipes = Recipe(rendered_set.code_sum(), seed, 0.0), rendered_set.made_by(folder)
    for kind, recipe in recipes.items():
        if (recipe.seed, recipe.seamless) != (current.seed, current.seamless):
            drawn = f"seed {recipe.seed}" + (f", seamless {recipe.seamless:g}" if recipe.seamless else "")
            raise InputError(f"{folder}: {kind} was drawn from {drawn}; give its --seed, or another folder --rendered")
    missing = tuple(
        kind
        for kind in KINDS
        if recipes.get(kind) != current or _count(folder / "scenes" / f"{kind}.json") < options.each
    )
    if missing:
        rendered_set.build(folder, max(options.each, rendered_set.EACH), missing, processes=2, seed=seed)


def _count(labels: Path) -> int:
    return len(json.loads(labels.read_text("utf-8"))) if labels.is_file() else 0


def _read_negatives(options: Options, reader: PlateReader, console: Console) -> NegativeRecords:
    scenes = len(negatives.SCENE_SOURCES) * options.negatives
    in_patches = read_negatives(negatives.patches(), negatives.patch_count(), reader, console)
    in_scenes = read_negatives(negatives.scenes(options.negatives, options.negatives_seed), scenes, reader, console)
    return NegativeRecords(
        in_patches.pictures | in_scenes.pictures, in_patches.false_readings + in_scenes.false_readings
    )


def _compare_with_float(
    options: Options, settings: ReaderSettings, int8: list[PlateRecord], detector: Detector, console: Console
) -> FloatComparison | None:
    if not float_reference.torch_available():
        return None
    reader, interpreters = float_reference.open_float_reader(settings)
    console.print("the same with the float checkpoints:")
    each = min(options.each, options.float_each)
    floating = read_plates(data_root(), False, reader, detector, console)
    floating += read_plates(options.rendered_folder, True, reader, detector, console, each)
    if not all(one.runs for one in interpreters):
        raise RuntimeError("the float networks did not run; float_reference.open_float_reader does not reach them")
    known = {(record.dataset, record.path) for record in floating}
    return FloatComparison([record for record in int8 if (record.dataset, record.path) in known], floating)


def _peers(path: Path) -> dict[str, float] | None:
    return json.loads(path.read_text("utf-8"))["times_slower"] if path.is_file() else None
