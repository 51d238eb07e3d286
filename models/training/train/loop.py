"""The training loop of both networks: schedule, averaged weights, checkpoints, log.

A run is a folder with ``state.pt`` (everything to resume it), ``weights.pt`` (the averaged weights alone, which the
export and later runs start from) and ``log.csv``. The learning rate warms up, stays constant, then decays linearly to
the end of the run. A run that is resumed with a later end decays only then.
"""

from __future__ import annotations

import copy
import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edge_lpr.errors import InputError
from models.training.arrays import Rng
from models.training.train.batches import batches
from models.training.train.muon import Muon, is_for_muon
from models.training.train.settings import RunSettings

AVERAGE_OVER = 1000
"""Steps over which weights are averaged (exponentially)."""


class Run:
    """One training run: network, averaged network, optimisers and step, saved together."""

    def __init__(self, network: nn.Module, settings: RunSettings) -> None:
        """Begins the run, or resumes it where ``settings.out`` holds one.

        Raises InputError where ``settings.only`` names a part that the network lacks, or differs from the resumed run.
        """
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        self.settings = settings
        settings.out.mkdir(parents=True, exist_ok=True)
        if settings.start is not None:
            start_from(network, settings.start)
        self.network: nn.Module = network.to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        parts = dict(network.named_children())
        self.trained = [_part(parts, name) for name in dict.fromkeys(settings.only)] or list(parts.values())
        weights = [weight for part in self.trained for weight in part.parameters()]
        network.requires_grad_(False)
        for weight in weights:
            weight.requires_grad_(True)
        kernels = [weight for weight in weights if is_for_muon(weight)]
        others = [weight for weight in weights if not is_for_muon(weight)]
        self.optimizers = (
            Muon(kernels, lr=settings.rate, weight_decay=1e-2),
            torch.optim.AdamW(others, lr=settings.rate, weight_decay=0.0),
        )
        self.step = 0
        self.started = time.monotonic()
        self.first_step = 0
        self.loss_sums: dict[str, Tensor] = {}
        self.summed = 0
        if (settings.out / "state.pt").exists():
            self._resume()

    def learn(
        self,
        draw: Callable[[Rng], Any],
        losses_of: Callable[[nn.Module, Any], dict[str, Tensor]],
        validate: Callable[[nn.Module, str], dict[str, float]],
    ) -> None:
        """Learns from the batches that ``draw`` makes until the last step is done or the time is up.

        ``losses_of`` returns the losses of the network on a batch, by name. Their sum is minimised. Every
        ``settings.check_every`` steps, what ``validate`` measures of the averaged network on the device is logged, and
        the run is saved.
        """
        running = self._left() > 0
        if not running:
            print(f"step {self.step} of {self.settings.steps}: already done; give more --steps to continue", flush=True)
            return
        for drawn in batches(draw, self.settings, self.step):
            self._descend(losses_of(self._training(), drawn))
            running = self._left() > 0
            if self.step % self.settings.check_every == 0 or not running:
                self._log(validate(self.average, self.settings.device))
                self._save()
            if not running:
                return

    def _left(self) -> float:
        """Returns the steps still to do; fewer than those asked for if, at the speed so far, the time is up sooner."""
        passed = time.monotonic() - self.started
        in_time = (self.settings.minutes * 60 - passed) / max(passed, 1.0) * max(1, self.step - self.first_step)
        return min(self.settings.steps - self.step, in_time)

    def _training(self) -> nn.Module:
        """Returns the network with its trained parts in training mode."""
        self.network.eval()
        for part in self.trained:
            part.train()
        return self.network

    def _descend(self, losses: dict[str, Tensor]) -> None:
        """Does one optimiser step on the sum of ``losses``, and adds them to the sums for the log."""
        self.network.zero_grad(set_to_none=True)
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.settings.rate * self._factor()
            optimizer.step()
        self.step += 1
        self._average()
        for name, loss in losses.items():
            self.loss_sums[name] = self.loss_sums.get(name, torch.zeros((), device=loss.device)) + loss.detach()
        self.summed += 1

    def _factor(self) -> float:
        """Returns the learning rate of this step as a share of the full one."""
        warm = min(1.0, (self.step + 1) / max(1, self.settings.warmup))
        left = self._left() / max(1, self.settings.decay)
        return warm * min(1.0, max(left, 0.01))

    def _average(self) -> None:
        keep = min(1 - 1 / AVERAGE_OVER, (self.step + 1) / (self.step + 20))
        with torch.no_grad():
            own = self.average.state_dict()
            for name, value in self.network.state_dict().items():
                if value.dtype.is_floating_point:
                    own[name].lerp_(value, 1 - keep)
                else:
                    own[name].copy_(value)

    def _log(self, figures: dict[str, float]) -> None:
        """Prints and appends the mean losses since the last call, together with ``figures``."""
        speed = (self.step - self.first_step) * self.settings.batch / (time.monotonic() - self.started)
        row = {"step": self.step, "per_s": round(speed, 1)}
        row |= {name: round(float(total) / max(1, self.summed), 4) for name, total in self.loss_sums.items()}
        row |= {name: round(value, 4) for name, value in figures.items()}
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        path = self.settings.out / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)
        self.loss_sums, self.summed = {}, 0

    def _save(self) -> None:
        """Writes the run so that an interruption at any time leaves complete files."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "only": self.settings.only,
        }
        for name, content in (("state.pt", state), ("weights.pt", self.average.state_dict())):
            part = self.settings.out / (name + ".part")
            torch.save(content, part)
            part.replace(self.settings.out / name)

    def _resume(self) -> None:
        state = torch.load(self.settings.out / "state.pt", map_location=self.settings.device, weights_only=True)
        begun = state.get("only", [])
        if set(begun) != set(self.settings.only):
            trained = "--only " + " ".join(begun) if begun else "no --only"
            raise InputError(f"{self.settings.out}: this run began with {trained}; give the same, or another --out")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = self.first_step = state["step"]
        print(f"resumed at step {self.step}", flush=True)


def _part(parts: dict[str, nn.Module], name: str) -> nn.Module:
    if name not in parts:
        raise InputError(f"--only {name}: the network has no such part; it has {', '.join(parts)}")
    return parts[name]


def start_from(network: nn.Module, weights: Path) -> None:
    """Loads the weights of a checkpoint whose name and shape fit; prints which parts keep their first values."""
    saved = torch.load(weights, map_location="cpu", weights_only=True)
    own = network.state_dict()
    fitting = {name: value for name, value in saved.items() if name in own and own[name].shape == value.shape}
    network.load_state_dict(own | fitting)
    fresh = sorted({name.split(".")[0] for name in own if name not in fitting})
    print(f"started from {weights}" + (f"; new: {', '.join(fresh)}" if fresh else ""), flush=True)
