"""The two networks: convolutions, ReLU6, nearest upsampling and one average pool, so that int8 export stays clean.

Both take uint8-like pictures as float32 NCHW, RGB, 0.0-1.0. Strided convolutions pad only at the right and bottom
(TensorFlow's SAME), because that is what the TFLite converter maps to one operator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edge_lpr.plates import ALPHABET, COLORS

STRIDES = (8, 16, 32)


class ConvUnit(nn.Module):
    """Convolution, batch normalisation (folded at export), ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int | tuple[int, int] = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.stride = (stride, stride) if isinstance(stride, int) else stride
        # The extra border of a strided convolution: one pixel at the right and bottom of each strided axis.
        across = (kernel // 2, kernel // 2) if self.stride[1] == 1 else (0, kernel - 2)
        down = (kernel // 2, kernel // 2) if self.stride[0] == 1 else (0, kernel - 2)
        self.border = (*across, *down)
        self.same = self.stride == (1, 1)
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, self.stride, kernel // 2 if self.same else 0, groups=groups, bias=False
        )
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        if not self.same:
            x = F.pad(x, self.border)
        return F.relu6(self.norm(self.conv(x)))


class Residual(nn.Module):
    """x + conv(x), at one resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = ConvUnit(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class Wide(nn.Module):
    """x + pointwise(wide depthwise(x)): lets a column see the whole line for few multiplications."""

    def __init__(self, channels: int, reach: int = 11) -> None:
        super().__init__()
        padding = (1, reach // 2)
        self.depthwise: nn.Module = nn.Conv2d(
            channels, channels, (3, reach), padding=padding, groups=channels, bias=False
        )
        self.norm: nn.Module = nn.BatchNorm2d(channels)
        self.pointwise = ConvUnit(channels, channels, 1)
        nn.init.constant_(self.pointwise.norm.weight, 0.2)  # nearly the identity at first

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(F.relu6(self.norm(self.depthwise(x))))
        return x + y

    def fold(self) -> None:
        """For export: fold the normalisation and part the depthwise kernel, what comes out staying the same."""
        assert isinstance(self.depthwise, nn.Conv2d) and isinstance(self.norm, nn.BatchNorm2d), "folded already"
        self.depthwise, self.norm = _Combs(self.depthwise, self.norm), nn.Identity()


class _Combs(nn.Module):
    """A normalised depthwise convolution of 3 x 11 as the sum of two: its kernel's even columns and its odd ones.

    XNNPACK has fast kernels for up to 25 taps. One of 33 takes 0.2 ms where these two take 0.02, and a look has three.
    """

    def __init__(self, whole: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_var is not None and norm.running_mean is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        kernel = whole.weight * scale[:, None, None, None]
        self.even, self.odd = (self._comb(kernel[..., first::2]) for first in (0, 1))
        self.even.bias = nn.Parameter(norm.bias - norm.running_mean * scale)

    @staticmethod
    def _comb(kernel: Tensor) -> nn.Conv2d:
        channels, _, high, wide = kernel.shape
        padding = (high // 2, wide - 1)
        comb = nn.Conv2d(
            channels, channels, (high, wide), padding=padding, dilation=(1, 2), groups=channels, bias=False
        )
        comb.weight = nn.Parameter(kernel.detach().clone())
        return comb

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.even(x) + self.odd(x)
        return y


class Separable(nn.Module):
    """Depthwise then pointwise convolution; adds its input where the shape allows."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> None:
        super().__init__()
        self.depthwise = ConvUnit(inputs, inputs, kernel, stride, groups=inputs)
        self.pointwise = ConvUnit(inputs, outputs, 1)
        self.shortcut = stride == 1 and inputs == outputs
        if self.shortcut:
            nn.init.constant_(self.pointwise.norm.weight, 0.2)  # nearly the identity at first

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.pointwise(self.depthwise(x))
        return x + y if self.shortcut else y


class Recognizer(nn.Module):
    """Plate picture to two lines of 40 columns of character logits, plus colour, row count, legibility and corners.

    The last feature map keeps two rows: the network itself decides in which line a character is read, so one-row and
    two-row plates need no switch. The lines joined end to end are one CTC sequence (Graves et al., 2006).
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
            Wide(112),
            Wide(112),
            Wide(112),
        )
        self.characters = nn.Conv2d(112, 1 + len(ALPHABET), 1)
        self.summary = ConvUnit(112, 64, 1)
        self.colors = nn.Conv2d(64, len(COLORS), 1)
        self.rows = nn.Conv2d(64, 2, 1)
        self.legible = nn.Conv2d(64, 1, 1)
        # Where the plate's corners are is a matter of places, which an average forgets: these see the whole map.
        self.outline = nn.Sequential(ConvUnit(96, 24, stride=2), nn.Conv2d(24, 64, (2, 20)), nn.ReLU6())
        self.corners = nn.Conv2d(64, 8, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(N, 3, 64, 160) to logits: characters (N, 1 + A, 2, 40), colours (N, C, 1, 1), rows (N, 2, 1, 1), legible
        (N, 1, 1, 1); and corners (N, 8, 1, 1), x, y of each as its shift from the picture's own corner, in shares of
        the picture's width and height."""
        features = self.body(x)
        lines = self.lines(features)
        summary = F.adaptive_avg_pool2d(self.summary(lines), 1)
        corners = self.corners(self.outline(features))
        return self.characters(lines), self.colors(summary), self.rows(summary), self.legible(summary), corners


class DetectorHead(nn.Module):
    """Score and corners of one level, in tensors of their own so that each keeps its int8 scale."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.shared = Separable(channels, channels)
        self.score = nn.Conv2d(channels, 1, 1)
        self.corners = nn.Conv2d(channels, 8, 1)
        nn.init.constant_(self.score.bias, -4.5)  # plates are rare: start from a low score (Lin et al., 2017)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.shared(x)
        return self.score(x), self.corners(x)


class Detector(nn.Module):
    """Anchor-free plate detector: per cell of three strides a score and four corners relative to the cell's centre."""

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
        """(N, 3, H, W) to score_8, corners_8, score_16, corners_16, score_32, corners_32.

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


def fold_wide(network: nn.Module) -> None:
    """Put every ``Wide`` of ``network``, which is in evaluation mode, into the form that runs fastest."""
    for module in list(network.modules()):
        if isinstance(module, Wide):
            module.fold()


def count_macs(network: nn.Module, height: int, width: int) -> int:
    """Multiply-accumulates of all convolutions for one picture of the given size."""
    total = 0

    def count(module: nn.Module, _: object, output: Tensor) -> None:
        nonlocal total
        assert isinstance(module, nn.Conv2d)
        total += output.shape[2] * output.shape[3] * module.weight.numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, height, width))
    for hook in hooks:
        hook.remove()
    return total
