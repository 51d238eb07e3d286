"""Train the recognizer: CTC over two lines, colour, row count.

python -m models.training.train_recognizer --pool cache/pool-1 --out cache/recognizer
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader

from edge_lpr.plates import ALPHABET
from models.training import data
from models.training.networks import Recognizer
from models.training.recognizer_data import PlateSamples, as_sample, cut, real_canvases
from models.training.runs import Run, parse_settings

CHECK_EVERY = 500
QUIET_COLUMNS = 5
"""Columns at either end of a two-row plate's upper line where nothing is written."""


def sequence_logits(characters: Tensor) -> Tensor:
    """(N, C, 2, W) to the CTC sequence (2 W, N, C): upper line, then lower line."""
    return characters.flatten(2).permute(2, 0, 1)


def greedy(characters: Tensor) -> list[str]:
    """Best path of each picture: repeats merged, blanks dropped."""
    best = sequence_logits(characters).argmax(-1).T.cpu().numpy()
    texts: list[str] = []
    for path in best:
        changed = np.flatnonzero(np.diff(path, prepend=-1))
        texts.append("".join(ALPHABET[c - 1] for c in path[changed] if c > 0))
    return texts


def losses(outputs: tuple[Tensor, Tensor, Tensor], classes: Tensor, lengths: Tensor, color: Tensor, rows: Tensor):  # type: ignore[no-untyped-def]
    """Losses of one batch by name."""
    characters, colors, row_logits = (o.float() for o in outputs)
    log_probabilities = F.log_softmax(sequence_logits(characters), dim=-1)
    steps = torch.full_like(lengths, log_probabilities.shape[0])
    ctc = F.ctc_loss(log_probabilities, classes, steps, lengths, reduction="none", zero_infinity=True)
    return {
        "ctc": (ctc / 7).mean(),
        "quiet": quiet_ends(log_probabilities, rows),
        "color": 0.2 * F.cross_entropy(colors.flatten(1), color, ignore_index=-1),
        "rows": 0.1 * F.cross_entropy(row_logits.flatten(1), rows, ignore_index=-1),
    }


def quiet_ends(log_probabilities: Tensor, rows: Tensor) -> Tensor:
    """Cost of anything but blanks at the ends of the upper line of two-row plates; (steps, N, C) and (N,).

    Left alone, CTC settles on saying the province in the very first column, as on one-row plates, from where the
    network cannot see the upper line's province, which stands in from the edge; it then guesses for good.
    """
    width = log_probabilities.shape[0] // 2
    blank = log_probabilities[:width, rows == 1, 0]
    ends = torch.cat([blank[:QUIET_COLUMNS], blank[width - QUIET_COLUMNS :]])
    return -ends.mean() if ends.numel() else ends.sum()


class Check:
    """Exact matches on the real validation plates, from true corners, in float."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        canvases = real_canvases("val")
        self.groups: dict[str, list[int]] = {"scenes": [], "crops": []}
        for i, canvas in enumerate(canvases):
            self.groups["crops" if canvas.tight else "scenes"].append(i)
        samples = [as_sample(cut(c, rng, jitter=0), c.number, c.color, c.rows) for c in canvases]
        self.pictures = torch.stack([s[0] for s in samples])
        self.truth = [c.number for c in canvases]
        self.colors = torch.tensor([s[3] for s in samples])

    def __call__(self, network: torch.nn.Module, device: str) -> dict[str, float]:
        texts: list[str] = []
        colors: list[Tensor] = []
        with torch.no_grad():
            for part in self.pictures.split(128):
                characters, color, _ = network(part.to(device).float() / 255)
                texts += greedy(characters)
                colors.append(color.flatten(1).argmax(1).cpu())
        right = np.array([a == b for a, b in zip(texts, self.truth, strict=True)])
        known = self.colors >= 0
        color_right = (torch.cat(colors)[known] == self.colors[known]).float().mean()
        return {name: float(right[rows].mean()) for name, rows in self.groups.items()} | {"hue": float(color_right)}


def main() -> None:
    settings = parse_settings(__doc__ or "", steps=20000, batch=128, rate=2e-3)
    data.data_root()
    samples = PlateSamples(settings.pool, settings.seed)
    run = Run(Recognizer(), settings)
    check = Check()
    loader = DataLoader(samples, settings.batch, num_workers=settings.workers, prefetch_factor=6)
    for picture, classes, lengths, color, rows in loader:
        picture = picture.to(settings.device).float().div(255).contiguous(memory_format=torch.channels_last)
        run.network.train()
        with torch.autocast(settings.device, torch.bfloat16):
            outputs = run.network(picture)
        labels = (t.to(settings.device) for t in (classes, lengths, color, rows))
        run.descend(losses(outputs, *labels))
        if run.step % CHECK_EVERY == 0 or not run.running():
            run.log(settings.batch, **check(run.average, settings.device))
            run.save()
        if not run.running():
            break


if __name__ == "__main__":
    main()
