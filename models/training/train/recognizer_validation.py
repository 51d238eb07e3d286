"""The validation of the float recognizer during training, on the real validation plates."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from edge_lpr.plates import ALPHABET
from models.training.augment.canvases import real_canvases
from models.training.augment.crops import aim, closely, cut
from models.training.data.recognizer_samples import as_sample
from models.training.data.tensors import network_input
from models.training.geometry import UNIT_CORNERS
from models.training.networks.inputs import RECOGNIZER_INPUT
from models.training.train.recognizer_losses import sequence_logits

BATCH = 128


class RecognizerValidation:
    """Exact readings of plates cut at their true corners, and the corner errors that are left after refinement."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        canvases = real_canvases("val")
        self.groups: dict[str, list[int]] = {"scenes": [], "crops": []}
        for index, canvas in enumerate(canvases):
            self.groups["crops" if canvas.tight else "scenes"].append(index)
        samples = [as_sample(cut(c, closely(c))[0], c) for c in canvases]
        self.pictures = torch.stack([s.picture for s in samples])
        self.truth = [c.number for c in canvases]
        self.colors = torch.tensor([s.color for s in samples])
        scenes = [c for c in canvases if not c.tight]
        crops = [cut(c, aim(c, rng, True)) for c in scenes]
        loose = [as_sample(image, c, corners=corners) for c, (image, corners) in zip(scenes, crops, strict=True)]
        self.refinement_pictures = torch.stack([s.picture for s in loose])
        self.corners = torch.stack([s.corners for s in loose])

    def __call__(self, network: nn.Module, device: str) -> dict[str, float]:
        """Returns shares, 0.0-1.0.

        ``scenes`` and ``crops`` are exact readings, ``hue`` right colours, ``outline`` the mean corner error after
        refinement in plate heights.
        """
        texts: list[str] = []
        colors: list[Tensor] = []
        shifts: list[Tensor] = []
        with torch.no_grad():
            for part in torch.split(self.pictures, BATCH):
                characters, color, *_ = network(network_input(part, device))
                texts += greedy(characters)
                colors.append(color.flatten(1).argmax(1).cpu())
            for part in torch.split(self.refinement_pictures, BATCH):
                shifts.append(network(network_input(part, device))[-1].flatten(1).cpu())
        right = np.array([a == b for a, b in zip(texts, self.truth, strict=True)])
        known = self.colors >= 0
        figures = {name: float(right[rows].mean()) for name, rows in self.groups.items()}
        figures["hue"] = float((torch.cat(colors)[known] == self.colors[known]).float().mean())
        return figures | {"outline": self._corner_error(torch.cat(shifts))}

    def _corner_error(self, shifts: Tensor) -> float:
        """Returns the mean distance of the corners at ``shifts`` (N, 8) from the true ones, in plate heights."""
        true = self.corners.view(-1, 4, 2)
        aspect = RECOGNIZER_INPUT[1] / RECOGNIZER_INPUT[0]
        error = (shifts.view(-1, 4, 2) + torch.from_numpy(UNIT_CORNERS) - true) * torch.tensor([aspect, 1.0])
        height = (true[:, 2, 1] + true[:, 3, 1] - true[:, 0, 1] - true[:, 1, 1]) / 2
        return float((error.norm(dim=-1).mean(1) / height).mean())


def greedy(characters: Tensor) -> list[str]:
    """Returns the text of each picture's best path: repeats merged, blanks dropped. Logits are (N, C, 2, W)."""
    best = sequence_logits(characters).argmax(-1).T.cpu().numpy()
    texts: list[str] = []
    for path in best:
        changed = np.flatnonzero(np.diff(path, prepend=-1))
        texts.append("".join(ALPHABET[c - 1] for c in path[changed] if c > 0))
    return texts
