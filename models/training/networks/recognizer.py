"""The recognizer network: what a straightened plate says, and where its corners are."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from edge_lpr.plates import ALPHABET, COLORS
from models.training.networks.layers import ConvUnit, Residual, WideResidual


class Recognizer(nn.Module):
    """Plate picture to two lines of 40 columns of character logits, plus colour, row count, legibility and corners.

    The last feature map keeps two lines. The network itself decides in which line it reads a character, so that plates
    of one row and of two need no switch. The lines joined end to end are one CTC sequence (Graves et al., 2006).
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            ConvUnit(3, 20, stride=2),  # 32 x 80
            ConvUnit(20, 40, stride=2),  # 16 x 40
            Residual(40),
            ConvUnit(40, 64, stride=(2, 1)),  # 8 x 40
            Residual(64),
            ConvUnit(64, 96, stride=(2, 1)),  # 4 x 40
            Residual(96),
        )
        self.lines = nn.Sequential(
            ConvUnit(96, 112, stride=(2, 1)),  # 2 x 40
            Residual(112),
            WideResidual(112),
            WideResidual(112),
            WideResidual(112),
        )
        self.characters = nn.Conv2d(112, 1 + len(ALPHABET), 1)
        self.summary = ConvUnit(112, 64, 1)
        self.colors = nn.Conv2d(64, len(COLORS), 1)
        self.rows = nn.Conv2d(64, 2, 1)
        self.legible = nn.Conv2d(64, 1, 1)
        # Corners are positions, and an average pool loses positions. This branch uses the whole feature map instead.
        self.outline = nn.Sequential(ConvUnit(96, 24, stride=2), nn.Conv2d(24, 64, (2, 20)), nn.ReLU6())
        self.corners = nn.Conv2d(64, 8, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(N, 3, 64, 160), RGB, 0.0-1.0, to characters, colours, rows, legible and corners.

        The first four are logits: characters (N, 1 + A, 2, 40), colours (N, C, 1, 1), rows (N, 2, 1, 1), legible
        (N, 1, 1, 1). Corners (N, 8, 1, 1) are x, y of each corner as its shift from the picture's own corner, in
        shares of the picture's width and height.
        """
        features = self.body(x)
        lines = self.lines(features)
        summary = F.adaptive_avg_pool2d(self.summary(lines), 1)
        corners = self.corners(self.outline(features))
        return self.characters(lines), self.colors(summary), self.rows(summary), self.legible(summary), corners
