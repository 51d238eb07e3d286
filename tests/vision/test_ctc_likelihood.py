"""How likely a number is, given a recognizer's steps: against every path, spelt out."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET
from edge_lpr.vision.ctc_likelihood import log_likelihoods

SHOWN = "京A10"
"""The characters that the steps below show; all others are out of the question."""


def steps(count: int, shown: str = SHOWN) -> NDArray[np.float32]:
    rng = np.random.default_rng(count)
    seen = np.zeros((count, 1 + len(ALPHABET)))
    classes = [0, *(1 + ALPHABET.index(character) for character in shown)]
    seen[:, classes] = rng.random((count, len(classes)))
    return np.asarray(seen / seen.sum(axis=1, keepdims=True), np.float32)


def every_path(seen: NDArray[np.float32], number: str, shown: str = SHOWN) -> float:
    """The probability of all paths that spell ``number``, one by one."""
    total = 0.0
    for path in product([0, *(1 + ALPHABET.index(character) for character in shown)], repeat=len(seen)):
        spelt = "".join(ALPHABET[label - 1] for label, _ in groupby(path) if label)
        if spelt == number:
            total += float(np.prod(seen[np.arange(len(seen)), list(path)], dtype=np.float64))
    return total


@pytest.mark.parametrize("number", ["京A1", "京A10", "A", "11", "京A11", "101"])
def test_it_is_the_sum_over_all_paths(number: str) -> None:
    seen = steps(6)
    assert np.exp(log_likelihoods(seen, [number])[0]) == pytest.approx(every_path(seen, number), rel=1e-3)


def test_numbers_of_any_length_are_told_at_once() -> None:
    seen = steps(6)
    numbers = ["京A10", "A", "11"]
    assert log_likelihoods(seen, numbers) == pytest.approx([log_likelihoods(seen, [n])[0] for n in numbers])


def test_a_nought_and_an_o_count_for_each_other() -> None:
    seen = steps(5, "1A0O")
    told = np.exp(log_likelihoods(seen, ["A0", "AO"]))
    assert told[0] == told[1] > every_path(seen, "A0", "1A0O") + every_path(seen, "AO", "1A0O") - 1e-9


def test_what_was_not_seen_at_all_is_very_unlikely_and_no_fault() -> None:
    (told,) = log_likelihoods(steps(6), ["沪B22222"])
    assert np.isfinite(told) and told < -30
