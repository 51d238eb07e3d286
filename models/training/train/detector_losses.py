"""The detector's losses: focal loss of the scores, smooth L1 of the corners relative to the plate's height."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.training.networks.detector import STRIDES

WIDTHS = {8: (0.0, 96.0), 16: (56.0, 224.0), 32: (128.0, 1e9)}
"""Plate widths in pixels that each stride is responsible for; where they overlap, two strides are."""
CORE = (0.22, 0.32)
"""Half extent, in plate widths and heights, of the middle part of a plate whose cells are positive."""
BACKGROUND, UNUSED = -1, -2
"""Targets of cells that belong to no plate: background, and cells without a loss."""


def cell_centers(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """Returns x, y of the cells' centres in pixels, (H W, 2)."""
    ys, xs = torch.meshgrid(
        torch.arange(height // stride, device=device), torch.arange(width // stride, device=device), indexing="ij"
    )
    return (torch.stack([xs, ys], -1).reshape(-1, 2).float() + 0.5) * stride


def targets(plates: Tensor, ignore: Tensor, centers: Tensor, stride: int) -> Tensor:
    """Returns the target of each cell, (N, cells): the index of its plate, BACKGROUND or UNUSED.

    ``plates`` and ``ignore`` are corners (N, M, 4, 2) in pixels, NaN where there is none. A cell is positive in the
    core of a plate, or nearest to the plate's middle.
    """
    present = ~plates.isnan().any(-1).any(-1)
    corners = plates.nan_to_num(-1e4)
    middle = corners.mean(2)
    across = (corners[:, :, 1] - corners[:, :, 0] + corners[:, :, 2] - corners[:, :, 3]) / 2
    down = (corners[:, :, 3] - corners[:, :, 0] + corners[:, :, 2] - corners[:, :, 1]) / 2
    width = across.norm(dim=-1)
    offset = centers[None, None] - middle[:, :, None]  # (N, M, cells, 2)
    determinant = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    determinant = torch.where(determinant.abs() < 1e-3, torch.ones_like(determinant), determinant)
    u = (offset[..., 0] * down[:, :, None, 1] - offset[..., 1] * down[:, :, None, 0]) / determinant[..., None]
    v = (offset[..., 1] * across[:, :, None, 0] - offset[..., 0] * across[:, :, None, 1]) / determinant[..., None]
    low, high = WIDTHS[stride]
    responsible = present & (width >= low) & (width < high)
    core = (u.abs() < CORE[0]) & (v.abs() < CORE[1])
    distance = offset.norm(dim=-1)
    nearest = distance <= distance.amin(-1, keepdim=True) + 1e-3
    positive = (core | nearest) & responsible[..., None]
    best = distance.masked_fill(~positive, 1e9).argmin(1)
    target = torch.where(positive.any(1), best, torch.full_like(best, BACKGROUND))
    # Cells in a plate but off its middle, or of another stride near the limits of its range, are unused.
    inside = (u.abs() < 0.55) & (v.abs() < 0.6) & present[..., None]
    near_range = present & (width >= low * 0.8) & (width < high * 1.25)
    unused = (inside & near_range[..., None]).any(1) | _ignored(ignore, centers)
    return torch.where((target == BACKGROUND) & unused, torch.full_like(target, UNUSED), target)


def _ignored(ignore: Tensor, centers: Tensor) -> Tensor:
    """Returns which cells lie in an ignored area, (N, cells)."""
    boxes = ignore.nan_to_num(-1e4)
    low, high = boxes.amin(2)[:, :, None], boxes.amax(2)[:, :, None]
    return ((centers >= low) & (centers <= high)).all(-1).any(1)


def losses(outputs: tuple[Tensor, ...], plates: Tensor, ignore: Tensor, height: int, width: int) -> dict[str, Tensor]:
    """Returns the losses of one batch by name.

    ``outputs`` are the network's, ``plates`` and ``ignore`` corners as for ``targets``, ``height`` and ``width`` the
    windows' size in pixels.
    """
    score_losses: list[Tensor] = []
    corner_losses: list[Tensor] = []
    positives = torch.zeros((), device=plates.device)
    for level, stride in enumerate(STRIDES):
        logits = outputs[2 * level].float().flatten(1)
        offsets = outputs[2 * level + 1].float().flatten(2).transpose(1, 2)
        centers = cell_centers(height, width, stride, plates.device)
        target = targets(plates, ignore, centers, stride)
        wanted = (target >= 0).float()
        weight = (torch.sigmoid(logits.detach()) - wanted).abs() ** 2 * (1 + wanted) * (target > UNUSED)
        score_losses.append((weight * F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")).sum())
        chosen = (target >= 0).nonzero(as_tuple=True)
        corners = plates[chosen[0], target[chosen]]
        predicted = offsets[chosen].view(-1, 4, 2) * stride + centers[chosen[1]][:, None]
        left, right = corners[:, 3] - corners[:, 0], corners[:, 2] - corners[:, 1]
        plate_height = (left.norm(dim=-1) + right.norm(dim=-1)) / 2
        error = (predicted - corners) / plate_height.clamp(min=3)[:, None, None]
        cost = F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05, reduction="none")
        corner_losses.append(cost.mean((1, 2)).sum())
        positives = positives + wanted.sum()
    count = positives.clamp(min=1)
    return {"score": torch.stack(score_losses).sum() / count, "corners": 4 * torch.stack(corner_losses).sum() / count}
