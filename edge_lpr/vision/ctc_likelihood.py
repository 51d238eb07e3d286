"""How likely a number is, given what the recognizer saw: the forward algorithm of CTC.

Decoding asks what number a look shows best; this asks how well a look bears out a number that another look found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET
from edge_lpr.vision.ctc_classes import LOOKALIKES, MIN_PROBABILITY

_LOOKALIKES = [1 + character for character in LOOKALIKES]


def log_likelihoods(steps: NDArray[np.float32], numbers: Sequence[str]) -> NDArray[np.float64]:
    """The natural logarithm of the probability that ``steps`` spell each of ``numbers``, float64 (len(numbers),).

    ``steps`` (n, 1 + len(ALPHABET)) are probabilities, class 0 blank, in reading order. A 0 and an O count for each
    other. All alignments are summed (Graves et al., "Connectionist Temporal Classification", 2006, section 4.1).
    """
    seen = steps.astype(np.float64)
    seen[:, _LOOKALIKES] = seen[:, _LOOKALIKES].sum(axis=1, keepdims=True)
    labels, may_skip = _with_blanks(numbers)
    told = np.maximum(seen[:, labels], MIN_PROBABILITY)  # (n, numbers, places)
    forward = np.zeros(labels.shape)
    forward[:, :2] = told[0, :, :2]
    logs = np.zeros(len(numbers))
    for step in told[1:]:
        reached = forward.copy()
        reached[:, 1:] += forward[:, :-1]
        reached[:, 2:] += forward[:, :-2] * may_skip[:, 2:]
        forward = reached * step
        scale = forward.sum(axis=1)
        logs += np.log(scale)
        forward /= scale[:, np.newaxis]
    last = np.array([2 * len(number) for number in numbers])
    rows = np.arange(len(numbers))
    ended: NDArray[np.float64] = forward[rows, last] + forward[rows, last - 1]
    return np.asarray(logs + np.log(np.maximum(ended, np.finfo(np.float64).tiny)))


def _with_blanks(numbers: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The classes of each number with blanks around its characters, and where the blank before one may be left out:
    (numbers, 2 x the longest + 1) each; what is shorter ends in blanks that nothing asks for."""
    places = 2 * max(map(len, numbers)) + 1
    labels = np.zeros((len(numbers), places), dtype=np.intp)
    for row, number in zip(labels, numbers, strict=True):
        row[1 : 2 * len(number) : 2] = [1 + ALPHABET.index(character) for character in number]
    shapes = np.where(labels == _LOOKALIKES[1], _LOOKALIKES[0], labels)
    may_skip = np.zeros(labels.shape, dtype=bool)
    may_skip[:, 2:] = (shapes[:, 2:] != 0) & (shapes[:, 2:] != shapes[:, :-2])
    return labels, may_skip
