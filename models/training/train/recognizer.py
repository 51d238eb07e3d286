"""Trains the recognizer: CTC over two lines, colour, row count, legibility, and the plate's corners.

python -m models.training.train.recognizer --pool cache/pool-1 --out cache/recognizer
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from models.training import command
from models.training.arrays import Rng
from models.training.data import datasets
from models.training.data.recognizer_samples import REFINEMENT, Batch, PlateSampler
from models.training.data.tensors import network_input
from models.training.networks.recognizer import Recognizer
from models.training.train.loop import Run
from models.training.train.recognizer_losses import losses, refinement_losses
from models.training.train.recognizer_validation import RecognizerValidation
from models.training.train.settings import parse_settings

REFINEMENT_PARTS = {"outline", "corners"}
"""The parts of the network that refine the corners. When only these are trained (``--only outline corners``) all
samples are for refinement, and no reading can change."""


def main() -> None:
    """Parses the command line and trains."""
    settings = parse_settings(__doc__, steps=20000, batch=64, rate=2e-3)
    datasets.data_root()  # raises before anything is written
    only_refinement = bool(settings.only) and set(settings.only) <= REFINEMENT_PARTS
    sampler = PlateSampler(settings.pool, settings.seed, 1.0 if only_refinement else REFINEMENT)
    run = Run(Recognizer(), settings)
    validation = RecognizerValidation()

    def draw(rng: Rng) -> Batch:
        return Batch(*default_collate([sampler.sample(rng) for _ in range(settings.batch)]))

    def losses_of(network: nn.Module, drawn: Batch) -> dict[str, Tensor]:
        batch = Batch(*(field.to(settings.device) for field in drawn))
        with torch.autocast(settings.device, torch.bfloat16):
            outputs = network(network_input(batch.picture, settings.device))
        return refinement_losses(outputs, batch) if only_refinement else losses(outputs, batch)

    run.learn(draw, losses_of, validation)


if __name__ == "__main__":
    command.run(main)
