"""Averages the weights of training runs of which each continued from the one before.

    python -m models.training.train.average OLDER/weights.pt NEWER/weights.pt --out cache/averaged.pt

The mean is often more accurate than either run, at no cost. The end of a run depends in part on its last samples, and
this noise averages out between runs (Izmailov et al., 2018; Wortsman et al., 2022). Runs that do not share a start, or
that learnt another task, cannot be averaged. Where the newer run had other samples the mean may be worse than it, so
measure before shipping.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from edge_lpr.errors import InputError
from models.training import command


def average(weights: Sequence[dict[str, Tensor]], shares: Sequence[float]) -> dict[str, Tensor]:
    """Returns the mean of state dicts, weighted by ``shares``.

    Raises InputError where an entry is not a tensor, where names or shapes differ between the state dicts, or where
    the shares do not sum to 1.
    """
    if len(shares) != len(weights) or abs(sum(shares) - 1) > 1e-6:
        raise InputError(f"--shares: give one share for each of the {len(weights)} files, with a sum of 1")
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
    """Parses the command line, averages and writes the mean."""
    parser = command.argument_parser(__doc__)
    parser.add_argument("weights", type=Path, nargs="+", help="weights.pt of each run")
    parser.add_argument("--shares", type=float, nargs="+", help="share of each run, with a sum of 1 (default: equal)")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    arguments = parser.parse_args()
    shares = arguments.shares or [1 / len(arguments.weights)] * len(arguments.weights)
    try:
        states = [torch.load(path, map_location="cpu", weights_only=True) for path in arguments.weights]
    except OSError as error:
        parser.error(str(error))
    except (pickle.UnpicklingError, RuntimeError, EOFError):
        parser.error("one of the files is not a PyTorch checkpoint; give each run's weights.pt")
    try:
        mean = average(states, shares)
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        torch.save(mean, arguments.out)
    except (InputError, OSError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    command.run(main)
