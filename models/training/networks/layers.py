"""The building blocks of both networks.

They use convolutions, ReLU6, additions and nearest upsampling only, so that the int8 export loses little accuracy.
Strided convolutions pad only at the right and bottom (TensorFlow's SAME), because the TFLite converter maps that to
one operator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        if not self.same:
            x = F.pad(x, self.border)
        return F.relu6(self.norm(self.conv(x)))


class Residual(nn.Module):
    """x + conv(x), at one resolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = ConvUnit(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape (N, channels, H, W)."""
        y: Tensor = self.body(x)
        return x + y


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
        """(N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y: Tensor = self.pointwise(self.depthwise(x))
        return x + y if self.shortcut else y


class WideResidual(nn.Module):
    """x + pointwise(depthwise(x)) with a wide kernel: a column's receptive field is the whole line, at a low cost."""

    def __init__(self, channels: int, kernel_width: int = 11) -> None:
        super().__init__()
        padding = (1, kernel_width // 2)
        self.depthwise: nn.Module = nn.Conv2d(
            channels, channels, (3, kernel_width), padding=padding, groups=channels, bias=False
        )
        self.norm: nn.Module = nn.BatchNorm2d(channels)
        self.pointwise = ConvUnit(channels, channels, 1)
        nn.init.constant_(self.pointwise.norm.weight, 0.2)  # nearly the identity at first

    def forward(self, x: Tensor) -> Tensor:
        """Keeps the shape (N, channels, H, W)."""
        y: Tensor = self.pointwise(F.relu6(self.norm(self.depthwise(x))))
        return x + y

    def fold(self) -> None:
        """Folds the normalisation into the depthwise kernel and splits that, for export; the output is the same."""
        assert isinstance(self.depthwise, nn.Conv2d) and isinstance(self.norm, nn.BatchNorm2d), "already folded"
        self.depthwise, self.norm = _SplitDepthwise(self.depthwise, self.norm), nn.Identity()


class _SplitDepthwise(nn.Module):
    """A normalised depthwise convolution of 3 x 11 as the sum of two: its kernel's even columns and its odd ones.

    XNNPACK has fast kernels for up to 25 taps. One kernel of 33 taps takes 0.2 ms, these two take 0.02 ms, and each
    run of the recognizer has three.
    """

    def __init__(self, whole: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        assert norm.running_var is not None and norm.running_mean is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        kernel = whole.weight * scale[:, None, None, None]
        self.even, self.odd = (self._dilated(kernel[..., first::2]) for first in (0, 1))
        self.even.bias = nn.Parameter(norm.bias - norm.running_mean * scale)

    @staticmethod
    def _dilated(kernel: Tensor) -> nn.Conv2d:
        """Returns the depthwise convolution with ``kernel`` (channels, 1, height, width) at every second column."""
        channels, _, height, width = kernel.shape
        convolution = nn.Conv2d(
            channels,
            channels,
            (height, width),
            padding=(height // 2, width - 1),
            dilation=(1, 2),
            groups=channels,
            bias=False,
        )
        convolution.weight = nn.Parameter(kernel.detach().clone())
        return convolution

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.even(x) + self.odd(x)
        return y


def fold_for_export(network: nn.Module) -> None:
    """Folds every ``WideResidual`` of ``network``, which must be in evaluation mode, into its fastest form."""
    for module in list(network.modules()):
        if isinstance(module, WideResidual):
            module.fold()


def count_macs(network: nn.Module, height: int, width: int) -> int:
    """Counts the multiply-accumulates of all convolutions for one picture of ``height`` x ``width`` pixels."""
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
