"""Likelihood of a given number under the recognizer's output: the forward algorithm of CTC.

Decoding finds the most likely number of one pass. This module rates a number that another pass has found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET
from edge_lpr.vision.ctc_classes import BLANK, LOOKALIKES, MIN_PROBABILITY

_LOOKALIKE_CLASSES = [1 + character for character in LOOKALIKES]


def log_likelihoods(steps: NDArray[np.float32], numbers: Sequence[str]) -> NDArray[np.float64]:
    """Returns the natural logarithm of the probability that ``steps`` spell each of ``numbers``.

    All alignments are summed (Graves et al., "Connectionist Temporal Classification", 2006, section 4.1). The digit 0
    and the letter O count as one character.

    Args:
        steps: Probabilities of shape (n, 1 + len(ALPHABET)), in reading order.
        numbers: The numbers to rate; at least one.

    Returns:
        float64 of shape (len(numbers),), in nats.
    """
    merged = steps.astype(np.float64)
    merged[:, _LOOKALIKE_CLASSES] = merged[:, _LOOKALIKE_CLASSES].sum(axis=1, keepdims=True)
    labels, may_skip = _with_blanks(numbers)
    emissions = np.maximum(merged[:, labels], MIN_PROBABILITY)  # (n, numbers, places)
    forward = np.zeros(labels.shape)
    forward[:, :2] = emissions[0, :, :2]
    logs = np.zeros(len(numbers))
    for emission in emissions[1:]:
        reached = forward.copy()
        reached[:, 1:] += forward[:, :-1]
        reached[:, 2:] += forward[:, :-2] * may_skip[:, 2:]
        forward = reached * emission
        scale = forward.sum(axis=1)
        logs += np.log(scale)
        forward /= scale[:, np.newaxis]
    last = np.array([2 * len(number) for number in numbers])
    rows = np.arange(len(numbers))
    ended: NDArray[np.float64] = forward[rows, last] + forward[rows, last - 1]
    return np.asarray(logs + np.log(np.maximum(ended, np.finfo(np.float64).tiny)))


def _with_blanks(numbers: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Returns the classes of each number with blanks between its characters, and where a blank may be skipped.

    Both arrays have the shape (numbers, 2 x longest number + 1). ``may_skip`` is true at a character whose preceding
    blank may be left out. Shorter numbers are padded with blanks, which are never read.
    """
    places = 2 * max(map(len, numbers)) + 1
    labels = np.full((len(numbers), places), BLANK, dtype=np.intp)
    for row, number in zip(labels, numbers, strict=True):
        row[1 : 2 * len(number) : 2] = [1 + ALPHABET.index(character) for character in number]
    shapes = np.where(labels == _LOOKALIKE_CLASSES[1], _LOOKALIKE_CLASSES[0], labels)
    may_skip = np.zeros(labels.shape, dtype=bool)
    may_skip[:, 2:] = (shapes[:, 2:] != BLANK) & (shapes[:, 2:] != shapes[:, :-2])
    return labels, may_skip
