"""Trains the detector: score by focal loss, corners by smooth L1 relative to the plate's height.

python -m models.training.train.detector --pool cache/pool-1 --out cache/detector
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.training import command
from models.training.arrays import Rng
from models.training.data import datasets
from models.training.data.detector_samples import Windows, WindowSampler
from models.training.data.tensors import network_input
from models.training.networks.detector import Detector
from models.training.train.detector_losses import losses
from models.training.train.detector_validation import DetectorValidation
from models.training.train.loop import Run
from models.training.train.settings import parse_settings


def main() -> None:
    """Parses the command line and trains."""
    settings = parse_settings(__doc__, steps=12000, batch=16, rate=1.5e-3)
    datasets.data_root()  # raises before anything is written
    sampler = WindowSampler(settings.pool)
    run = Run(Detector(), settings)
    validation = DetectorValidation()

    def draw(rng: Rng) -> Windows:
        return sampler.batch(rng, settings.batch)

    def losses_of(network: nn.Module, drawn: Windows) -> dict[str, Tensor]:
        pictures, plates, ignore = drawn
        height, width = pictures.shape[2:]
        with torch.autocast(settings.device, torch.bfloat16):
            outputs = network(network_input(pictures, settings.device))
        return losses(outputs, plates.to(settings.device), ignore.to(settings.device), height, width)

    run.learn(draw, losses_of, validation)


if __name__ == "__main__":
    command.run(main)
