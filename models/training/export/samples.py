"""The training samples that set the int8 ranges of each network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.training.arrays import Image
from models.training.data import datasets
from models.training.data.detector_samples import WindowSampler, whole_photo
from models.training.data.recognizer_samples import PlateSampler
from models.training.networks.inputs import DETECTOR_INPUT

DETECTOR_SAMPLES, RECOGNIZER_SAMPLES = 200, 600
_SEED = 99


def detector_samples(pools: Sequence[Path]) -> list[Image]:
    """Returns whole training photos, and degraded windows with plates of every kind: (384, 640, 3), RGB."""
    rng = np.random.default_rng(_SEED)
    scenes = datasets.scenes("train")
    chosen = rng.choice(len(scenes), DETECTOR_SAMPLES // 2, replace=False)
    photos = [whole_photo(scenes[int(i)].load())[0][..., ::-1] for i in chosen]
    windows = WindowSampler(pools)
    rest = DETECTOR_SAMPLES - len(photos)
    photos += [windows.sample(rng, *DETECTOR_INPUT).pictures.numpy().transpose(1, 2, 0) for _ in range(rest)]
    return [np.ascontiguousarray(photo) for photo in photos]


def recognizer_samples(pools: Sequence[Path]) -> list[Image]:
    """Returns training samples as the device would see them: (64, 160, 3), RGB."""
    sampler = PlateSampler(pools, seed=_SEED)
    rng = np.random.default_rng(_SEED)
    return [sampler.sample(rng).picture.numpy().transpose(1, 2, 0) for _ in range(RECOGNIZER_SAMPLES)]
