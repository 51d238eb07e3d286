"""The supply of batches: several processes make samples, and each sample is learnt from more than once."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from models.training.arrays import Rng
from models.training.train.settings import RunSettings

ROUND = 48
"""Steps of one round, where making samples and learning alternate."""
KEPT = 400
"""Batches kept to be learnt from again, where a GPU learns while samples are made."""


def batches(draw: Callable[[Rng], Any], settings: RunSettings, first_step: int) -> Iterator[Any]:
    """Yields the batches that ``draw`` makes, without end.

    On a processor, making samples and learning alternate: all cores make the batches of a round, then all cores learn
    from them ``settings.repeats`` times. Doing both at once on few cores costs more than half of the speed, because the
    learning threads wait for one whose core a worker has taken.
    """
    count = max(1, ROUND // settings.repeats)
    dataset = _Batches(draw, (settings.seed, first_step), count)
    loader = DataLoader(dataset, batch_size=None, num_workers=settings.workers, persistent_workers=settings.workers > 0)
    if settings.device.startswith("cuda") and settings.workers:
        yield from _concurrently(loader, settings)
    while True:
        made = list(loader)
        for _ in range(settings.repeats):
            for place in torch.randperm(len(made)):
                yield made[int(place)]


class _Batches(IterableDataset[Any]):
    """``count`` batches an iteration, shared among the workers.

    Each worker's random generator continues from one iteration to the next.
    """

    def __init__(self, draw: Callable[[Rng], Any], seed: tuple[int, int], count: int) -> None:
        self.draw, self.seed, self.count = draw, seed, count
        self.rng: Rng | None = None

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        identity, workers = (worker.id, worker.num_workers) if worker else (0, 1)
        if self.rng is None:
            cv2.setNumThreads(0)  # there are already as many processes as cores
            self.rng = np.random.default_rng((*self.seed, identity))
        for _ in range(identity, self.count, workers):
            yield self.draw(self.rng)


def _concurrently(loader: DataLoader[Any], settings: RunSettings) -> Iterator[Any]:
    """Yields batches on the GPU without end: each new one once, and one of the last ``KEPT`` while none is ready.

    A GPU learns faster than the processor makes samples, and does not slow the processor.
    """
    coming: queue.Queue[Future[Any]] = queue.Queue(maxsize=4)

    def fetch() -> None:
        try:
            while True:
                for batch in loader:
                    coming.put(_completed(tuple(field.to(settings.device) for field in batch)))
        except Exception as error:  # from a worker; raised again in the learner's thread
            coming.put(_completed(error))

    threading.Thread(target=fetch, daemon=True, name="fetch").start()
    kept: deque[Any] = deque(maxlen=KEPT)
    while True:
        if not coming.empty() or len(kept) < ROUND:
            kept.append(coming.get().result())
            yield kept[-1]
        else:
            yield kept[int(torch.randint(len(kept), ()))]


def _completed(outcome: Any) -> Future[Any]:
    """Returns a finished future with ``outcome`` as its exception or its result."""
    future: Future[Any] = Future()
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
    return future
