"""Train the recognizer: CTC over two lines, colour, row count, legibility, and where the plate's corners are.

python -m models.training.train.recognizer --pool cache/pool-1 --out cache/recognizer
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import default_collate

from edge_lpr.plates import ALPHABET
from models.training import command
from models.training.augment.canvases import UNKNOWN, real_canvases
from models.training.augment.crops import aim, closely, cut
from models.training.data import datasets as data
from models.training.data.recognizer_samples import LOOK, Batch, PlateSamples, as_sample
from models.training.networks.architectures import Recognizer
from models.training.networks.inputs import RECOGNIZER_INPUT
from models.training.train.loop import Run, parse_settings

READING_WEIGHT, CORNERS_WEIGHT = 0.36, 3.5
EVEN_ODDS = 0.69
"""Nats: the cost of a text that is as likely as not."""
FORGIVING, LEAST_TRUST = 0.35, 0.1
"""A text counts by its likelihood to this power, but no less than that. One in ten in training's weather is past
reading; these were five sixths of the cost and nine tenths of its gradient, and taught to guess."""
EMPTY = 0.25
"""Weight of the silence asked for where no plate's text is. The sharper it is asked for, the more the painted numbers
keep silent too, which are lettered like signs; to tell those apart is what ``legible`` is for."""
FRAMING = {"outline", "corners"}
"""The parts of the network that say where the plate is. Trained alone (``--only outline corners``) they are shown looks
alone, and no reading can change."""
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


def losses(outputs: tuple[Tensor, ...], batch: Batch) -> dict[str, Tensor]:
    """Losses of one batch by name."""
    *readings, _ = (o.float() for o in outputs)
    asked = batch.read.nonzero()[:, 0]
    cost = reading_losses([o[asked] for o in readings], Batch(*(field[asked] for field in batch)))
    return cost | outline_losses(outputs, batch)


def outline_losses(outputs: tuple[Tensor, ...], batch: Batch) -> dict[str, Tensor]:
    """What of ``losses`` asks where the plate is."""
    shifts = outputs[-1].float().flatten(1)
    return {"corners": CORNERS_WEIGHT * corner_error(shifts, batch.corners)}


def reading_losses(outputs: list[Tensor], batch: Batch) -> dict[str, Tensor]:
    """Losses of the pictures that are cut for reading."""
    characters, colors, row_logits, legible = outputs
    log_probabilities = F.log_softmax(sequence_logits(characters), dim=-1)
    steps = torch.full_like(batch.length, log_probabilities.shape[0])
    ctc = F.ctc_loss(log_probabilities, batch.classes, steps, batch.length, reduction="none", zero_infinity=True)
    two_rows = (batch.rows == 1).nonzero()[:, 0]
    if len(two_rows):
        ctc = ctc.index_put((two_rows,), each_line(log_probabilities[:, two_rows], batch, two_rows))
    # Legible is what this very network makes out, with more than even odds: no one else has looked at the picture.
    # What is no plate of ours, a sign or another country's plate, has no count of rows.
    read = ((ctc.detach() < EVEN_ODDS) & (batch.rows != UNKNOWN)).float()
    # Its gradient is that of generalised cross entropy (Zhang and Sabuncu, 2018), which bears wrong labels.
    trust = torch.exp(-FORGIVING * ctc.detach()).clamp(min=LEAST_TRUST)
    weight = torch.where(batch.length > 0, trust, EMPTY)
    return {
        "ctc": READING_WEIGHT * (weight * ctc).mean(),
        "quiet": quiet_ends(log_probabilities, batch.rows),
        "color": 0.2 * F.cross_entropy(colors.flatten(1), batch.color, ignore_index=-1),
        "rows": 0.1 * F.cross_entropy(row_logits.flatten(1), batch.rows, ignore_index=-1),
        "legible": 0.2 * F.binary_cross_entropy_with_logits(legible.flatten(), read),
    }


def each_line(log_probabilities: Tensor, batch: Batch, chosen: Tensor) -> Tensor:
    """CTC of the ``chosen`` two-row plates, (steps, n, C) to (n,), with every row's characters in its own line.

    With the rows joined, CTC is content to say the lower row's province at the end of the upper line, where the network
    cannot see it, and to guess it.
    """
    width = log_probabilities.shape[0] // 2
    steps = torch.full((len(chosen),), width, device=chosen.device)
    upper, length = batch.upper[chosen], batch.length[chosen]
    classes = batch.classes[chosen]
    places = (torch.arange(classes.shape[1], device=chosen.device) + upper[:, None]).clamp(max=classes.shape[1] - 1)
    lower = classes.gather(1, places)
    return sum(
        F.ctc_loss(line, text, steps, lengths, reduction="none", zero_infinity=True)
        for line, text, lengths in (
            (log_probabilities[:width], classes, upper),
            (log_probabilities[width:], lower, length - upper),
        )
    )


def corner_error(shifts: Tensor, corners: Tensor) -> Tensor:
    """Smooth L1 of the corners, (N, 8) each, in picture heights; samples with NaN count for nothing."""
    known = ~corners.isnan().any(1)
    height, width = RECOGNIZER_INPUT
    own = torch.tensor([0.0, 0, 1, 0, 1, 1, 0, 1], device=shifts.device)
    scale = torch.tensor([width / height, 1.0] * 4, device=shifts.device)
    error = (shifts[known] - (corners[known] - own)) * scale
    if error.numel() == 0:
        return shifts.sum() * 0
    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.01)


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
    """On the real validation plates, in float: exact matches from true corners; and how far from the true corners the
    refined ones are after a look at erring ones, as a share of the plate's height."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        canvases = real_canvases("val")
        self.groups: dict[str, list[int]] = {"scenes": [], "crops": []}
        for index, canvas in enumerate(canvases):
            self.groups["crops" if canvas.tight else "scenes"].append(index)
        samples = [as_sample(cut(c, closely(c))[0], c) for c in canvases]
        self.pictures = torch.stack([s.picture for s in samples])
        self.truth = [c.number for c in canvases]
        self.colors = torch.tensor([s.color for s in samples])
        scenes = [c for c in canvases if not c.tight]
        cuts = [cut(c, aim(c, rng, look=True)) for c in scenes]
        looks = [as_sample(image, c, corners=at) for c, (image, at) in zip(scenes, cuts, strict=True)]
        self.looks = torch.stack([s.picture for s in looks])
        self.corners = torch.stack([s.corners for s in looks])

    def __call__(self, network: torch.nn.Module, device: str) -> dict[str, float]:
        texts: list[str] = []
        colors: list[Tensor] = []
        shifts: list[Tensor] = []
        with torch.no_grad():
            for part in self.pictures.split(128):
                characters, color, *_ = network(part.to(device).float() / 255)
                texts += greedy(characters)
                colors.append(color.flatten(1).argmax(1).cpu())
            for part in self.looks.split(128):
                shifts.append(network(part.to(device).float() / 255)[-1].flatten(1).cpu())
        right = np.array([a == b for a, b in zip(texts, self.truth, strict=True)])
        known = self.colors >= 0
        figures = {name: float(right[rows].mean()) for name, rows in self.groups.items()}
        figures["hue"] = float((torch.cat(colors)[known] == self.colors[known]).float().mean())
        return figures | {"outline": self._outline(torch.cat(shifts))}

    def _outline(self, shifts: Tensor) -> float:
        own = torch.tensor([[0.0, 0], [1, 0], [1, 1], [0, 1]])
        true = self.corners.view(-1, 4, 2)
        across = RECOGNIZER_INPUT[1] / RECOGNIZER_INPUT[0]
        error = (shifts.view(-1, 4, 2) + own - true) * torch.tensor([across, 1.0])
        tall = (true[:, 2, 1] + true[:, 3, 1] - true[:, 0, 1] - true[:, 1, 1]) / 2
        return float((error.norm(dim=-1).mean(1) / tall).mean())


def main() -> None:
    settings = parse_settings(__doc__ or "", steps=20000, batch=64, rate=2e-3)
    data.data_root()
    framing = bool(settings.only) and set(settings.only) <= FRAMING
    samples = PlateSamples(settings.pool, settings.seed, looks=1.0 if framing else LOOK)
    run = Run(Recognizer(), settings)
    check = Check()

    def draw(rng: np.random.Generator) -> Batch:
        return Batch(*default_collate([samples.sample(rng) for _ in range(settings.batch)]))

    def losses_of(network: torch.nn.Module, drawn: Batch) -> dict[str, Tensor]:
        batch = Batch(*(field.to(settings.device) for field in drawn))
        picture = batch.picture.float().div(255).contiguous(memory_format=torch.channels_last)
        with torch.autocast(settings.device, torch.bfloat16):
            outputs = network(picture)
        return outline_losses(outputs, batch) if framing else losses(outputs, batch)

    run.learn(draw, losses_of, check)


if __name__ == "__main__":
    command.run(main)
