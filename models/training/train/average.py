"""Average the weights of training runs that went on one from the other: often more right than either, at no cost.

    python -m models.training.train.average models/checkpoints/recognizer.pt cache/recognizer/weights.pt \\
        --out cache/averaged.pt

What a run learnt last, it has partly by the chance of its last samples; between two runs those chances cancel (Izmailov
et al., 2018; Wortsman et al., 2022). Runs that never shared weights, or learnt another task, have no common middle,
and where the newer had other samples, the middle may be worse than it: measure before shipping.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from edge_lpr.errors import InputError
from models.training import command


def average(weights: Sequence[dict[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """The mean of state dicts, weighted by ``shares``. Raises InputError where one is none, or has other names or
    shapes than another, or the shares do not sum to 1."""
    if len(shares) != len(weights) or abs(sum(shares) - 1) > 1e-6:
        raise InputError(f"--shares: give one share for each of the {len(weights)} files, 1 in all")
    if not all(isinstance(value, Tensor) for state in weights for value in state.values()):
        raise InputError("one of the files holds more than weights; give each run's weights.pt")
    shapes = [{name: value.shape for name, value in state.items()} for state in weights]
    if any(other != shapes[0] for other in shapes):
        raise InputError("these are weights of different networks; average runs of one network")
    return {
        name: sum((state[name] * share for state, share in zip(weights, shares, strict=True)), torch.zeros(())).to(
            value.dtype
        )
        for name, value in weights[0].items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+", help="weights.pt of each run")
    parser.add_argument("--shares", type=float, nargs="+", help="of each, 1 in all (default: even)")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()
    shares = arguments.shares or [1 / len(arguments.weights)] * len(arguments.weights)
    try:
        states = [torch.load(path, map_location="cpu", weights_only=True) for path in arguments.weights]
    except OSError as error:
        parser.error(str(error))
    except (pickle.UnpicklingError, RuntimeError, EOFError):
        parser.error("one of the files is no checkpoint of PyTorch; give each run's weights.pt")
    try:
        mean = average(states, shares)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        torch.save(mean, arguments.out)
    except (InputError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    command.run(main)
