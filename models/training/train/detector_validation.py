"""The validation of the float detector during training, on the labelled validation photos."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.training.arrays import Corners
from models.training.data import datasets
from models.training.data.detector_samples import whole_photo
from models.training.data.tensors import network_input, picture_tensor
from models.training.networks.detector import STRIDES
from models.training.networks.inputs import DETECTOR_INPUT
from models.training.train.detector_losses import cell_centers

SCORE = 0.5
"""Score from which on a plate counts as found."""
CORNER_ERROR = 0.35
"""Mean distance of the corners, in plate heights, below which a plate counts as found."""


class DetectorValidation:
    """Share of labelled plates that are found.

    A plate is found where the best cell near it has a score above SCORE and corners within CORNER_ERROR of the true
    ones.
    """

    def __init__(self) -> None:
        self.pictures: list[Tensor] = []
        self.plates: list[Corners] = []
        for scene in datasets.scenes("val"):
            picture, scale = whole_photo(scene.load())
            self.pictures.append(picture_tensor(picture))
            self.plates.append(np.stack([p.quad for p in scene.plates]) * scale)

    def __call__(self, network: nn.Module, device: str) -> dict[str, float]:
        """Returns ``recall``, ``error`` (of found plates, in plate heights) and ``false`` (photos with a false score).

        All are shares, 0.0-1.0.
        """
        found: list[bool] = []
        errors: list[float] = []
        background = 0
        with torch.no_grad():
            for picture, plates in zip(self.pictures, self.plates, strict=True):
                corners, scores = decode(network(network_input(picture[None], device)), *DETECTOR_INPUT)
                taken = np.zeros(len(scores), bool)
                for plate in plates:
                    width, height = np.linalg.norm(plate[1] - plate[0]), np.linalg.norm(plate[3] - plate[0])
                    error = np.linalg.norm(corners - plate, axis=-1).mean(-1) / max(height, 1)
                    near = np.linalg.norm(corners.mean(1) - plate.mean(0), axis=-1) < width
                    taken |= near
                    best = int(np.argmax(np.where(near, scores, -1))) if near.any() else -1
                    found.append(bool(best >= 0 and scores[best] > SCORE and error[best] < CORNER_ERROR))
                    if found[-1]:
                        errors.append(float(error[best]))
                background += int(((scores > SCORE) & ~taken).any())
        return {
            "recall": float(np.mean(found)),
            "error": float(np.mean(errors)) if errors else 1.0,
            "false": background / len(self.pictures),
        }


def decode(outputs: tuple[Tensor, ...], height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns corners (K, 4, 2) in pixels and scores (K,) of all cells above 0.05, of the first picture."""
    corners, scores = [], []
    for level, stride in enumerate(STRIDES):
        score = torch.sigmoid(outputs[2 * level][0].float().flatten()).cpu()
        offsets = outputs[2 * level + 1][0].float().flatten(1).T.reshape(-1, 4, 2).cpu()
        keep = score > 0.05
        centers = cell_centers(height, width, stride, torch.device("cpu"))
        corners.append((offsets[keep] * stride + centers[keep][:, None]).numpy())
        scores.append(score[keep].numpy())
    return np.concatenate(corners), np.concatenate(scores)
