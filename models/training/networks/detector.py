"""The detector network: where plates are in a frame."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from models.training.networks.layers import ConvUnit, Separable

STRIDES = (8, 16, 32)
"""Pixels between the cells of the three output grids."""


class DetectorHead(nn.Module):
    """Score and corners of one grid, as two tensors, so that each has its own int8 scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shared = Separable(channels, channels)
        self.score = nn.Conv2d(channels, 1, 1)
        self.corners = nn.Conv2d(channels, 8, 1)
        assert self.score.bias is not None
        nn.init.constant_(self.score.bias, -4.5)  # plates are rare: start from a low score (Lin et al., 2017)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, channels, h, w) to scores (N, 1, h, w) and corners (N, 8, h, w)."""
        x = self.shared(x)
        return self.score(x), self.corners(x)


class Detector(nn.Module):
    """Anchor-free plate detector: per cell of three grids a score and four corners relative to the cell's centre."""

    def __init__(self, neck: int = 48) -> None:
        super().__init__()
        self.stage8 = nn.Sequential(
            ConvUnit(3, 12, stride=2),
            ConvUnit(12, 24, stride=2),
            ConvUnit(24, 48, stride=2),
            Separable(48, 48),
            Separable(48, 48),
        )
        self.stage16 = nn.Sequential(Separable(48, 96, 2), *(Separable(96, 96, kernel=5) for _ in range(3)))
        self.stage32 = nn.Sequential(Separable(96, 128, 2), *(Separable(128, 128, kernel=5) for _ in range(3)))
        self.lateral = nn.ModuleList(ConvUnit(c, neck, 1) for c in (48, 96, 128))
        self.smooth = nn.ModuleList(Separable(neck, neck) for _ in STRIDES)
        self.heads = nn.ModuleList(DetectorHead(neck) for _ in STRIDES)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W), RGB, 0.0-1.0, to score_8, corners_8, score_16, corners_16, score_32, corners_32.

        Scores are logits (N, 1, H/s, W/s); corners (N, 8, H/s, W/s) are x, y of top-left, top-right, bottom-right and
        bottom-left, relative to the cell's centre, in units of the stride.
        """
        fine = self.stage8(x)
        middle = self.stage16(fine)
        coarse = self.lateral[2](self.stage32(middle))
        middle = self.lateral[1](middle) + F.interpolate(coarse, scale_factor=2.0, mode="nearest")
        fine = self.lateral[0](fine) + F.interpolate(middle, scale_factor=2.0, mode="nearest")
        outputs: list[Tensor] = []
        for smooth, head, level in zip(self.smooth, self.heads, (fine, middle, coarse), strict=True):
            outputs.extend(head(smooth(level)))
        return tuple(outputs)
