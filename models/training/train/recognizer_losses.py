"""The recognizer's losses: CTC over two lines, colour, row count, legibility, corners.

Samples for refinement have the loss of the corners only, samples for reading all the others (see
``models.training.data.recognizer_samples``).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.training.augment.canvases import UNKNOWN
from models.training.data.recognizer_samples import Batch
from models.training.geometry import UNIT_CORNERS
from models.training.networks.inputs import RECOGNIZER_INPUT

READING_WEIGHT, CORNERS_WEIGHT = 0.36, 3.5
EVEN_ODDS = 0.69
"""Nats: the CTC loss of a text with a probability of one half."""
TRUST_EXPONENT, LEAST_TRUST = 0.35, 0.1
"""A text is weighted by its probability to this power, but by no less than the second value. About one in ten of the
degraded samples cannot be read. Unweighted they were five sixths of the loss and nine tenths of its gradient, and
taught the network to guess."""
EMPTY_WEIGHT = 0.25
"""Weight of pictures without a text. The larger it is, the more the network also leaves out painted numbers, which are
lettered like signs. To distinguish these two is the task of ``legible``."""
BLANK_COLUMNS = 5
"""Columns at either end of a two-row plate's upper line where no character is."""


def sequence_logits(characters: Tensor) -> Tensor:
    """Returns character logits (N, C, 2, W) as the CTC sequence (2 W, N, C): upper line, then lower line."""
    return characters.flatten(2).permute(2, 0, 1)


def losses(outputs: tuple[Tensor, ...], batch: Batch) -> dict[str, Tensor]:
    """Returns the losses of one batch by name; ``outputs`` are the network's."""
    *readings, _ = (o.float() for o in outputs)
    chosen = batch.read.nonzero()[:, 0]
    named = reading_losses([o[chosen] for o in readings], Batch(*(field[chosen] for field in batch)))
    return named | refinement_losses(outputs, batch)


def refinement_losses(outputs: tuple[Tensor, ...], batch: Batch) -> dict[str, Tensor]:
    """Returns the losses of the samples for refinement by name."""
    shifts = outputs[-1].float().flatten(1)
    return {"corners": CORNERS_WEIGHT * corner_loss(shifts, batch.corners)}


def reading_losses(outputs: list[Tensor], batch: Batch) -> dict[str, Tensor]:
    """Returns the losses of samples for reading by name; ``outputs`` are the network's without the corners."""
    characters, colors, row_logits, legible = outputs
    log_probabilities = F.log_softmax(sequence_logits(characters), dim=-1)
    steps = torch.full_like(batch.length, log_probabilities.shape[0])
    ctc = F.ctc_loss(log_probabilities, batch.classes, steps, batch.length, reduction="none", zero_infinity=True)
    two_rows = (batch.rows == 1).nonzero()[:, 0]
    if len(two_rows):
        ctc = ctc.index_put((two_rows,), line_losses(log_probabilities[:, two_rows], batch, two_rows))
    # A picture is legible where this very network gives the text more than even odds; no person has labelled it.
    # Signs and foreign plates have no row count and are never legible.
    read = ((ctc.detach() < EVEN_ODDS) & (batch.rows != UNKNOWN)).float()
    # The gradient is that of generalised cross entropy (Zhang and Sabuncu, 2018), which tolerates wrong labels.
    trust = torch.exp(-TRUST_EXPONENT * ctc.detach()).clamp(min=LEAST_TRUST)
    weight = torch.where(batch.length > 0, trust, EMPTY_WEIGHT)
    return {
        "ctc": READING_WEIGHT * (weight * ctc).mean(),
        "quiet": blank_ends_loss(log_probabilities, batch.rows),
        "color": 0.2 * F.cross_entropy(colors.flatten(1), batch.color, ignore_index=UNKNOWN),
        "rows": 0.1 * F.cross_entropy(row_logits.flatten(1), batch.rows, ignore_index=UNKNOWN),
        "legible": 0.2 * F.binary_cross_entropy_with_logits(legible.flatten(), read),
    }


def line_losses(log_probabilities: Tensor, batch: Batch, chosen: Tensor) -> Tensor:
    """Returns the CTC loss (n,) of the ``chosen`` two-row plates, with each row's characters in its own line.

    ``log_probabilities`` is (steps, n, C). With the rows joined, CTC puts the lower row's first characters at the end
    of the upper line, where the network cannot see them and guesses.
    """
    width = log_probabilities.shape[0] // 2
    steps = torch.full((len(chosen),), width, device=chosen.device)
    upper, length = batch.upper[chosen], batch.length[chosen]
    classes = batch.classes[chosen]
    places = (torch.arange(classes.shape[1], device=chosen.device) + upper[:, None]).clamp(max=classes.shape[1] - 1)
    lower = classes.gather(1, places)
    above, below = log_probabilities[:width], log_probabilities[width:]
    return F.ctc_loss(above, classes, steps, upper, reduction="none", zero_infinity=True) + F.ctc_loss(
        below, lower, steps, length - upper, reduction="none", zero_infinity=True
    )


def corner_loss(shifts: Tensor, corners: Tensor) -> Tensor:
    """Returns the smooth L1 loss of the corners, in picture heights.

    ``shifts`` (N, 8) are the network's, from the picture's own corners; ``corners`` (N, 8) the true ones. Both are
    shares of the picture's width and height. Samples with NaN are left out.
    """
    known = ~corners.isnan().any(1)
    height, width = RECOGNIZER_INPUT
    own = torch.tensor(UNIT_CORNERS.ravel(), device=shifts.device)
    scale = torch.tensor([width / height, 1.0] * 4, device=shifts.device)
    error = (shifts[known] - (corners[known] - own)) * scale
    if error.numel() == 0:
        return shifts.sum() * 0
    return F.smooth_l1_loss(error, torch.zeros_like(error), beta=0.01)


def blank_ends_loss(log_probabilities: Tensor, rows: Tensor) -> Tensor:
    """Returns the loss of characters at the ends of the upper line of two-row plates.

    ``log_probabilities`` is (steps, N, C), ``rows`` (N,). Without this loss, CTC puts the province into the very first
    column, as on plates of one row. The network cannot see the upper row's province from there, because it stands away
    from the edge, and guesses it.
    """
    width = log_probabilities.shape[0] // 2
    blank = log_probabilities[:width, rows == 1, 0]
    ends = torch.cat([blank[:BLANK_COLUMNS], blank[width - BLANK_COLUMNS :]])
    return -ends.mean() if ends.numel() else ends.sum()
