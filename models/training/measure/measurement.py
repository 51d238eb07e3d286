"""Everything that the bars are judged on, gathered in one run through the shipped runtime; and the settings of it."""

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
from models.training.measure import costs
from models.training.measure import float_reference as float_twin
from models.training.measure.costs import Costs
from models.training.measure.records import Quiet, Seen, see, see_negatives
from models.training.synthesis import KINDS
from models.training.test_sets import negatives, rendered_set
from models.training.test_sets.rendered_set import Recipe

TIMED_SET = "scenes/toll"
"""Frames for timing come from here: photos of a gate camera, one plate each."""


@dataclass(frozen=True, slots=True)
class Choices:
    """The command line's. ``each`` is rendered plates read of every kind, ``negatives`` scenes of every source; both
    are drawn from ``seed``, or where that is None are the test set's."""

    models: Path
    seed: int | None
    rendered: Path | None
    each: int
    negatives: int
    min_plate_width: int
    threads: int
    float_each: int
    peers: Path

    @property
    def rendered_folder(self) -> Path:
        """Where the rendered plates lie."""
        return self.rendered or Path("cache/rendered" if self.seed is None else f"cache/rendered-{self.seed}")

    @property
    def rendered_seed(self) -> int:
        """What the rendered plates are drawn from."""
        return rendered_set.SEED if self.seed is None else self.seed

    @property
    def negatives_seed(self) -> int:
        """What the scenes without plates are drawn from: never the plates' own seed, whose chances they would share."""
        return negatives.SEED - rendered_set.SEED + self.rendered_seed


@dataclass(frozen=True, slots=True)
class Twin:
    """The same pictures through the int8 files and through the float checkpoints."""

    int8: list[Seen]
    floating: list[Seen]


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen. ``twin`` is None where torch is absent; ``peers`` maps a peer to how many times longer it takes,
    and is None where they were not measured."""

    real: list[Seen]
    rendered: list[Seen]
    quiet: Quiet
    costs: Costs
    twin: Twin | None
    peers: dict[str, float] | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that ``bars`` and ``report`` share."""
    add = parser.add_argument
    add("--models", type=Path, default=Path("models"), help="folder of the model pair")
    add("--seed", type=command.whole, help="draw other rendered plates and scenes without plates than the test set's")
    add("--rendered", type=Path, help="rendered plates; made there if absent (cache/rendered, with a seed its own)")
    add("--each", type=command.count, default=rendered_set.EACH, help="rendered plates of each kind")
    add("--negatives", type=command.count, default=1000, help="scenes without plates of each source")
    add("--min-plate-width", type=int, default=8, help="pixels; narrower plates are not read")
    add("--threads", type=command.count, default=2)
    add("--float-each", type=command.count, default=60, help="rendered plates of each kind for int8 against float")
    add("--peers", type=Path, default=Path("cache/peers.json"), help="what `make peers-bench` wrote")


def choices_of(arguments: argparse.Namespace) -> Choices:
    """The options as parsed."""
    return Choices(**{name: getattr(arguments, name) for name in Choices.__slots__})


def measure(choices: Choices, console: Console) -> Measured:
    """Read every picture. Raises, before the first one, ModelError for models that do not load, FileNotFoundError
    without development data or, where torch is, checkpoints, and InputError without fonts."""
    settings = ReaderSettings(
        models_dir=choices.models, min_plate_width=choices.min_plate_width, threads=choices.threads
    )
    reader = PlateReader.open(settings)
    detector = Detector(reader.models.detector, choices.threads)
    negatives.need_font()
    if float_twin.torch_is_here():
        float_twin.need_checkpoints(choices.models)
    _need_rendered(choices)
    real = see(data_root(), False, reader, detector, console)
    rendered = see(choices.rendered_folder, True, reader, detector, console, choices.each)
    timed = [seen.path for seen in real if seen.dataset == TIMED_SET]
    return Measured(
        real=real,
        rendered=rendered,
        quiet=_quiet(choices, reader, console),
        costs=costs.measure(settings, timed, repeats=20, console=console),
        twin=_twin(choices, settings, real, rendered, detector, console),
        peers=_peers(choices.peers),
    )


def _need_rendered(choices: Choices) -> None:
    """Make what is missing of the rendered set, or was made by other code than today's. Raises InputError for a folder
    that holds plates of another seed: a set somebody drew on purpose is not replaced."""
    folder, seed = choices.rendered_folder, choices.rendered_seed
    today, recipes = Recipe(rendered_set.code_sum(), seed, 0.0), rendered_set.made_by(folder)
    for kind, recipe in recipes.items():
        if (recipe.seed, recipe.seamless) != (today.seed, today.seamless):
            drawn = f"seed {recipe.seed}" + (f", seamless {recipe.seamless:g}" if recipe.seamless else "")
            raise InputError(f"{folder}: {kind} is drawn from {drawn}; give its --seed, or another folder --rendered")
    lacking = tuple(
        kind
        for kind in KINDS
        if recipes.get(kind) != today or _count(folder / "scenes" / f"{kind}.json") < choices.each
    )
    if lacking:
        rendered_set.build(folder, max(choices.each, rendered_set.EACH), lacking, processes=2, seed=seed)


def _count(labels: Path) -> int:
    return len(json.loads(labels.read_text("utf-8"))) if labels.is_file() else 0


def _quiet(choices: Choices, reader: PlateReader, console: Console) -> Quiet:
    scenes = len(negatives.SCENE_SOURCES) * choices.negatives
    in_patches = see_negatives(negatives.patches(), negatives.patch_count(), reader, console)
    in_scenes = see_negatives(negatives.scenes(choices.negatives, choices.negatives_seed), scenes, reader, console)
    return Quiet(in_patches.pictures | in_scenes.pictures, in_patches.false_reads + in_scenes.false_reads)


def _twin(
    choices: Choices,
    settings: ReaderSettings,
    real: list[Seen],
    rendered: list[Seen],
    detector: Detector,
    console: Console,
) -> Twin | None:
    if not float_twin.torch_is_here():
        return None
    reader, interpreters = float_twin.open_twin(settings)
    console.print("the same through the float checkpoints:")
    floating = see(data_root(), False, reader, detector, console)
    floating += see(choices.rendered_folder, True, reader, detector, console, min(choices.each, choices.float_each))
    if not all(one.runs for one in interpreters):
        raise RuntimeError("the float networks were never run; float_twin.open_twin no longer reaches them")
    known = {(seen.dataset, seen.path) for seen in floating}
    return Twin([seen for seen in real + rendered if (seen.dataset, seen.path) in known], floating)


def _peers(path: Path) -> dict[str, float] | None:
    return json.loads(path.read_text("utf-8"))["times_slower"] if path.is_file() else None
