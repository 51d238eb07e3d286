"""Muon: momentum SGD whose step is orthogonalised, so that rare directions are learnt as fast as frequent ones.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). Steps are scaled as in Liu et al.,
"Muon is scalable for LLM training" (2025), so that AdamW's learning rates fit. ``torch.optim.Muon`` takes matrices
only, no kernels of convolutions.

In 600 steps from one checkpoint on the same samples, the recognizer's exact readings of degraded training samples rose
by 1.0 points with Muon and 0.7 with AdamW (of 5,573 samples). A step takes 4 % longer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95
_QUINTIC = (3.4445, -4.7750, 2.0315)  # brings all singular values near 1 in five iterations (Jordan et al.)
_ITERATIONS = 5
_LIKE_ADAMW = 0.2  # the usual root mean square of AdamW's steps (Liu et al.)


def is_for_muon(parameter: Tensor) -> bool:
    """Whether ``parameter`` is the kernel of a convolution that mixes channels, except the first, on the picture."""
    return bool(parameter.ndim == 4 and parameter.shape[1] > 3)


class Muon(torch.optim.Optimizer):
    """For kernels of convolutions (outputs, inputs, height, width), taken as matrices of ``outputs`` rows.

    Closures are not called.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Does one step along the orthogonalised momentum (Nesterov's) of each kernel's gradient."""
        for group in self.param_groups:
            for kernel in group["params"]:
                if kernel.grad is not None:
                    self._move(kernel, self.state[kernel], group["lr"], group["weight_decay"])

    def _move(self, kernel: Tensor, state: dict[str, Any], rate: float, decay: float) -> None:
        assert kernel.grad is not None
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(kernel)
        momentum: Tensor = state["momentum"]
        momentum.mul_(MOMENTUM).add_(kernel.grad)
        matrix = kernel.grad.add(momentum, alpha=MOMENTUM).reshape(len(kernel), -1)
        scale = _LIKE_ADAMW * max(matrix.shape) ** 0.5
        kernel.mul_(1 - rate * decay)
        kernel.add_(orthogonalize(matrix).reshape(kernel.shape), alpha=-rate * scale)


def orthogonalize(matrix: Tensor) -> Tensor:
    """Returns about the nearest matrix to ``matrix`` (m, n) whose rows, or columns if fewer, are orthonormal."""
    is_wide = matrix.shape[0] <= matrix.shape[1]
    wide: Tensor = matrix if is_wide else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide if is_wide else wide.T
