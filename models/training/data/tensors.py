"""From pictures to tensors."""

from __future__ import annotations

import numpy as np
import torch

from models.training.arrays import Image


def picture_tensor(image: Image) -> torch.Tensor:
    """Returns a BGR picture (H, W, 3) as a tensor uint8 (3, H, W), RGB."""
    return torch.from_numpy(np.ascontiguousarray(image[..., ::-1].transpose(2, 0, 1)))


def network_input(pictures: torch.Tensor, device: str) -> torch.Tensor:
    """Returns uint8 (N, 3, H, W) as the networks take it: float32, 0.0-1.0, on ``device``."""
    return pictures.to(device).float().div(255).contiguous(memory_format=torch.channels_last)
