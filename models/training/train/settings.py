"""The settings of a training run, from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from models.training import command


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The options of ``models.training.train.detector`` and ``models.training.train.recognizer``, as parsed."""

    out: Path
    pool: list[Path]
    steps: int
    minutes: float
    batch: int
    rate: float
    warmup: int
    decay: int
    seed: int
    start: Path | None
    only: list[str]
    threads: int
    workers: int
    repeats: int
    check_every: int
    device: str


def parse_settings(description: str | None, steps: int, batch: int, rate: float) -> RunSettings:
    """Parses the command line; ``steps``, ``batch`` and ``rate`` are the defaults of these options."""
    parser = command.argument_parser(description)
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder of the run; resumed if it holds state.pt")
    add("--pool", type=Path, nargs="+", required=True, help="folders made by models.training.data.pool")
    add("--steps", type=command.count, default=steps, help="the step at which the run ends")
    add("--minutes", type=float, default=float("inf"), help="end the run after so many minutes at the latest")
    add("--batch", type=command.count, default=batch, help="samples in a batch")
    add("--rate", type=float, default=rate, help="learning rate")
    add("--warmup", type=command.whole, default=300, help="steps of warm-up")
    add("--decay", type=command.whole, default=3000, help="steps of decay before the end")
    add("--seed", type=command.whole, default=1, help="seed of the random choices")
    add("--start", type=Path, help="weights.pt to start from")
    add("--only", nargs="+", default=[], help="parts of the network to train; the others keep their weights")
    add("--threads", type=command.count, default=2, help="processor threads that train")
    add("--workers", type=command.whole, default=2, help="processes that make samples")
    add("--repeats", type=command.count, default=2, help="how often each sample is learnt from")
    add("--check-every", type=command.count, default=500, help="steps between validations; each also saves the run")
    add("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="torch device that trains")
    return RunSettings(**vars(parser.parse_args()))
