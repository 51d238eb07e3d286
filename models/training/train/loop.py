"""What both training scripts share: schedule, moving average of weights, checkpoints, the log.

A run is a folder with ``state.pt`` (everything to resume), ``weights.pt`` (the averaged weights alone, which export and
later runs start from) and ``log.csv``. The schedule is warm-up, constant, then a linear decay over the last part: a run
may be resumed with a later end, and only then decays.
"""

from __future__ import annotations

import argparse
import copy
import csv
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from edge_lpr.errors import InputError
from models.training import command
from models.training.train.muon import Muon, is_for_muon

AVERAGE_OVER = 1000
"""Steps over which weights are averaged (exponentially)."""
ROUND = 48
"""Steps whose samples are made at once, where making and learning take turns."""
KEPT = 400
"""Batches kept to be learnt from again, where a GPU learns while samples are made."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The command line's choices."""

    out: Path
    pool: list[Path]
    steps: int
    minutes: float
    batch: int
    rate: float
    warmup: int
    decay: int
    seed: int
    start: Path | None
    only: list[str]
    threads: int
    workers: int
    repeats: int
    check_every: int
    device: str


def parse_settings(description: str, steps: int, batch: int, rate: float) -> RunSettings:
    """Settings from the command line; the arguments are the script's defaults."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; resumed if it holds state.pt")
    parser.add_argument("--pool", type=Path, nargs="+", required=True, help="folders made by models.training.data.pool")
    parser.add_argument("--steps", type=command.count, default=steps, help="the step at which the run ends")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="the run ends after so long at the latest")
    parser.add_argument("--batch", type=command.count, default=batch)
    parser.add_argument("--rate", type=float, default=rate, help="learning rate")
    parser.add_argument("--warmup", type=command.whole, default=300, help="steps")
    parser.add_argument("--decay", type=command.whole, default=3000, help="steps of decay before the end")
    parser.add_argument("--seed", type=command.whole, default=1)
    parser.add_argument("--start", type=Path, help="weights.pt to start from")
    parser.add_argument("--only", nargs="+", default=[], help="parts of the network to train; the rest stays as it is")
    parser.add_argument("--threads", type=command.count, default=2)
    parser.add_argument("--workers", type=command.whole, default=2, help="processes that make samples")
    parser.add_argument("--repeats", type=command.count, default=2, help="how often each sample is seen")
    parser.add_argument("--check-every", type=command.count, default=500, help="steps between measurements; each saves")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return RunSettings(**vars(parser.parse_args()))


class _Batches(IterableDataset[Any]):
    """``count`` batches an iteration, each worker its share; its chance goes on from one iteration to the next."""

    def __init__(self, draw: Callable[[np.random.Generator], Any], seed: tuple[int, int], count: int) -> None:
        self.draw, self.seed, self.count = draw, seed, count
        self.rng: np.random.Generator | None = None

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        identity, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        if self.rng is None:
            cv2.setNumThreads(0)  # the processes are as many as the cores already
            self.rng = np.random.default_rng((*self.seed, identity))
        for _ in range(identity, self.count, workers):
            yield self.draw(self.rng)


def rounds(draw: Callable[[np.random.Generator], Any], settings: RunSettings, first_step: int) -> Iterator[Any]:
    """Batches for ever: made a round at a time by all cores, then learnt from ``settings.repeats`` times by all cores.

    Making and learning take turns because on few cores they would otherwise fight: a learner's thread that waits for
    another one, which a worker has put off its core, costs more than half the speed.
    """
    count = max(1, ROUND // settings.repeats)
    batches = _Batches(draw, (settings.seed, first_step), count)
    loader = DataLoader(batches, batch_size=None, num_workers=settings.workers, persistent_workers=settings.workers > 0)
    if settings.device.startswith("cuda") and settings.workers:
        yield from _at_once(loader, settings)
    while True:
        made = list(loader)
        for _ in range(settings.repeats):
            for place in torch.randperm(len(made)):
                yield made[int(place)]


def _at_once(loader: DataLoader[Any], settings: RunSettings) -> Iterator[Any]:
    """Batches for ever, on the GPU: each new one as it comes and, while none is ready, one of the last ``KEPT``.

    A GPU learns faster than the machine's cores make samples, and needs none of them to learn.
    """
    coming: queue.Queue[Future[Any]] = queue.Queue(maxsize=4)

    def fetch() -> None:
        try:
            while True:
                for batch in loader:
                    coming.put(_done(tuple(field.to(settings.device) for field in batch)))
        except Exception as error:  # a worker's, for the learner to raise
            coming.put(_done(error))

    threading.Thread(target=fetch, daemon=True, name="fetch").start()
    kept: deque[Any] = deque(maxlen=KEPT)
    while True:
        if not coming.empty() or len(kept) < ROUND:
            kept.append(coming.get().result())
            yield kept[-1]
        else:
            yield kept[int(torch.randint(len(kept), ()))]


def _done(outcome: Any) -> Future[Any]:
    future: Future[Any] = Future()
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
    return future


class Run:
    """One training run: network, averaged network, optimisers and step, saved together."""

    def __init__(self, network: nn.Module, settings: RunSettings) -> None:
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        self.settings = settings
        settings.out.mkdir(parents=True, exist_ok=True)
        if settings.start is not None:
            start_from(network, settings.start)
        self.network = network.to(settings.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
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
        self.sums: dict[str, torch.Tensor] = {}
        self.counted = 0
        if (settings.out / "state.pt").exists():
            self._resume()

    def learn(
        self,
        draw: Callable[[np.random.Generator], Any],
        losses_of: Callable[[nn.Module, Any], dict[str, torch.Tensor]],
        check: Callable[[nn.Module, str], dict[str, float]],
    ) -> None:
        """Learn from the batches that ``draw`` makes until the last step is done or the time is up.

        ``losses_of`` the network and a batch are descended by name; every so often what ``check`` finds of the averaged
        network on the device is logged and the run is saved.
        """
        running = self._left() > 0
        if not running:
            print(f"step {self.step} of {self.settings.steps}: done already; give more --steps to go on", flush=True)
            return
        for drawn in rounds(draw, self.settings, self.step):
            self._descend(losses_of(self._training(), drawn))
            running = self._left() > 0
            if self.step % self.settings.check_every == 0 or not running:
                self._log(check(self.average, self.settings.device))
                self._save()
            if not running:
                return

    def _left(self) -> float:
        """Steps still to do: those asked for, or fewer if the time is up sooner at the speed so far."""
        passed = time.monotonic() - self.started
        in_time = (self.settings.minutes * 60 - passed) / max(passed, 1.0) * max(1, self.step - self.first_step)
        return min(self.settings.steps - self.step, in_time)

    def _training(self) -> nn.Module:
        """The network, its trained parts set to training."""
        self.network.eval()
        for part in self.trained:
            part.train()
        return self.network

    def _descend(self, losses: dict[str, torch.Tensor]) -> None:
        """One optimiser step on the sum of ``losses``, which are logged by name."""
        self.network.zero_grad(set_to_none=True)
        total = torch.stack(list(losses.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.settings.rate * self._factor()
            optimizer.step()
        self.step += 1
        self._average()
        for name, loss in losses.items():
            self.sums[name] = self.sums.get(name, torch.zeros((), device=loss.device)) + loss.detach()
        self.counted += 1

    def _log(self, figures: dict[str, float]) -> None:
        """Print and append the mean losses since the last call, with ``figures``."""
        speed = (self.step - self.first_step) * self.settings.batch / (time.monotonic() - self.started)
        row = {"step": self.step, "per_s": round(speed, 1)}
        row |= {name: round(float(total) / max(1, self.counted), 4) for name, total in self.sums.items()}
        row |= {name: round(value, 4) for name, value in figures.items()}
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        path = self.settings.out / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, row)
            if new:
                writer.writeheader()
            writer.writerow(row)
        self.sums, self.counted = {}, 0

    def _save(self) -> None:
        """Write the run so that an interruption at any time leaves a whole file."""
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
            raise InputError(f"{self.settings.out}: this run was begun with {trained}; give the same, or another --out")
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = self.first_step = state["step"]
        print(f"resumed at step {self.step}", flush=True)

    def _factor(self) -> float:
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


def _part(parts: dict[str, nn.Module], name: str) -> nn.Module:
    if name not in parts:
        raise InputError(f"--only {name}: the network has no such part; it has {', '.join(parts)}")
    return parts[name]


def start_from(network: nn.Module, weights: Path) -> None:
    """Load what of a checkpoint fits, by name and shape; the rest keeps its first values and is named."""
    saved = torch.load(weights, map_location="cpu", weights_only=True)
    own = network.state_dict()
    fitting = {name: value for name, value in saved.items() if name in own and own[name].shape == value.shape}
    network.load_state_dict(own | fitting)
    fresh = sorted({name.split(".")[0] for name in own if name not in fitting})
    print(f"started from {weights}" + (f"; new: {', '.join(fresh)}" if fresh else ""), flush=True)
