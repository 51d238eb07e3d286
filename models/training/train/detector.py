"""Train the detector: score by focal loss, corners by smooth L1 relative to the plate's height.

python -m models.training.train.detector --pool cache/pool-1 --out cache/detector
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.training import command
from models.training.data import datasets as data
from models.training.data.detector_samples import SceneWindows, Windows
from models.training.networks.architectures import STRIDES, Detector
from models.training.networks.inputs import DETECTOR_INPUT
from models.training.train.loop import Run, parse_settings

WIDTHS = {8: (0.0, 96.0), 16: (56.0, 224.0), 32: (128.0, 1e9)}
"""Plate widths in pixels that a stride answers for; at the overlaps two do."""
CORE = (0.22, 0.32)
"""Half extent, in plate widths and heights, of the middle part whose cells are positive."""


def cell_centers(height: int, width: int, stride: int, device: torch.device) -> Tensor:
    """(H W, 2) x, y of the cells' centres in pixels."""
    ys, xs = torch.meshgrid(
        torch.arange(height // stride, device=device), torch.arange(width // stride, device=device), indexing="ij"
    )
    return (torch.stack([xs, ys], -1).reshape(-1, 2).float() + 0.5) * stride


def targets(plates: Tensor, ignore: Tensor, centers: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Which plate each cell answers for, (N, cells): its index, -1 for background, -2 where nothing is learnt."""
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
    mine = present & (width >= low) & (width < high)
    core = (u.abs() < CORE[0]) & (v.abs() < CORE[1])
    distance = offset.norm(dim=-1)
    nearest = distance <= distance.amin(-1, keepdim=True) + 1e-3
    positive = (core | nearest) & mine[..., None]
    inside = (u.abs() < 0.55) & (v.abs() < 0.6) & present[..., None]
    best = distance.masked_fill(~positive, 1e9).argmin(1)
    answer = torch.where(positive.any(1), best, torch.full_like(best, -1))
    boxes = ignore.nan_to_num(-1e4)
    low_corner, high_corner = boxes.amin(2)[:, :, None], boxes.amax(2)[:, :, None]
    ignored = ((centers >= low_corner) & (centers <= high_corner)).all(-1).any(1)
    # Cells in a plate but off its middle, or of another stride near the border of its range, are left free.
    near_range = present & (width >= low * 0.8) & (width < high * 1.25)
    free = (inside & near_range[..., None]).any(1) | ignored
    return torch.where((answer == -1) & free, torch.full_like(answer, -2), answer)


def losses(outputs: tuple[Tensor, ...], plates: Tensor, ignore: Tensor, height: int, width: int) -> dict[str, Tensor]:
    """Losses of one batch by name."""
    score_losses: list[Tensor] = []
    corner_losses: list[Tensor] = []
    positives = torch.zeros((), device=plates.device)
    for level, stride in enumerate(STRIDES):
        logits = outputs[2 * level].float().flatten(1)
        offsets = outputs[2 * level + 1].float().flatten(2).transpose(1, 2)
        centers = cell_centers(height, width, stride, plates.device)
        answer = targets(plates, ignore, centers, stride)
        wanted = (answer >= 0).float()
        weight = (torch.sigmoid(logits.detach()) - wanted).abs() ** 2 * (1 + wanted) * (answer > -2)
        score_losses.append((weight * F.binary_cross_entropy_with_logits(logits, wanted, reduction="none")).sum())
        chosen = (answer >= 0).nonzero(as_tuple=True)
        corners = plates[chosen[0], answer[chosen]]
        predicted = offsets[chosen].view(-1, 4, 2) * stride + centers[chosen[1]][:, None]
        left, right = corners[:, 3] - corners[:, 0], corners[:, 2] - corners[:, 1]
        plate_height = (left.norm(dim=-1) + right.norm(dim=-1)) / 2
        error = (predicted - corners) / plate_height.clamp(min=3)[:, None, None]
        cost = F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05, reduction="none")
        corner_losses.append(cost.mean((1, 2)).sum())
        positives = positives + wanted.sum()
    count = positives.clamp(min=1)
    return {"score": torch.stack(score_losses).sum() / count, "corners": 4 * torch.stack(corner_losses).sum() / count}


def as_input(pictures: Tensor, device: str) -> Tensor:
    """uint8 (N, 3, H, W) as the networks take it."""
    return pictures.to(device).float().div(255).contiguous(memory_format=torch.channels_last)


def letterboxed(image: np.ndarray) -> tuple[np.ndarray, float]:
    """The picture scaled into the detector's input, top-left, grey elsewhere; and the scale."""
    height, width = DETECTOR_INPUT
    scale = min(width / image.shape[1], height / image.shape[0])
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    canvas = np.full((height, width, 3), 114, np.uint8)
    canvas[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return canvas, scale


class Check:
    """Share of labelled validation plates whose best-scored cell within has corners near the true ones, in float."""

    def __init__(self) -> None:
        self.pictures: list[Tensor] = []
        self.plates: list[np.ndarray] = []
        for scene in data.scenes("val"):
            picture, scale = letterboxed(scene.load())
            self.pictures.append(torch.from_numpy(np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1))))
            self.plates.append(np.stack([p.quad for p in scene.plates]) * scale)

    def __call__(self, network: torch.nn.Module, device: str) -> dict[str, float]:
        found, errors, background = [], [], 0
        with torch.no_grad():
            for picture, plates in zip(self.pictures, self.plates, strict=True):
                corners, scores = decode(network(as_input(picture[None], device)), *DETECTOR_INPUT)
                taken = np.zeros(len(scores), bool)
                for plate in plates:
                    width, height = np.linalg.norm(plate[1] - plate[0]), np.linalg.norm(plate[3] - plate[0])
                    error = np.linalg.norm(corners - plate, axis=-1).mean(-1) / max(height, 1)
                    near = np.linalg.norm(corners.mean(1) - plate.mean(0), axis=-1) < width
                    taken |= near
                    best = int(np.argmax(np.where(near, scores, -1))) if near.any() else -1
                    found.append(best >= 0 and scores[best] > 0.5 and error[best] < 0.35)
                    if found[-1]:
                        errors.append(error[best])
                background += int(((scores > 0.5) & ~taken).any())
        return {
            "recall": float(np.mean(found)),
            "error": float(np.mean(errors)) if errors else 1.0,
            "false": background / len(self.pictures),
        }


def decode(outputs: tuple[Tensor, ...], height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Corners (K, 4, 2) in pixels and scores (K,) of all cells above 0.05 of the first picture."""
    corners, scores = [], []
    for level, stride in enumerate(STRIDES):
        score = torch.sigmoid(outputs[2 * level][0].float().flatten()).cpu()
        offsets = outputs[2 * level + 1][0].float().flatten(1).T.reshape(-1, 4, 2).cpu()
        keep = score > 0.05
        centers = cell_centers(height, width, stride, torch.device("cpu"))
        corners.append((offsets[keep] * stride + centers[keep][:, None]).numpy())
        scores.append(score[keep].numpy())
    return np.concatenate(corners), np.concatenate(scores)


def main() -> None:
    settings = parse_settings(__doc__ or "", steps=12000, batch=16, rate=1.5e-3)
    data.data_root()
    windows = SceneWindows(settings.pool)
    run = Run(Detector(), settings)
    check = Check()

    def draw(rng: np.random.Generator) -> Windows:
        return windows.batch(rng, settings.batch)

    def losses_of(network: nn.Module, drawn: Windows) -> dict[str, Tensor]:
        picture, plates, ignore = drawn
        height, width = picture.shape[2:]
        with torch.autocast(settings.device, torch.bfloat16):
            outputs = network(as_input(picture, settings.device))
        return losses(outputs, plates.to(settings.device), ignore.to(settings.device), height, width)

    run.learn(draw, losses_of, check)


if __name__ == "__main__":
    command.run(main)
