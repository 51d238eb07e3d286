"""The likelihood of a number, compared with the sum over all CTC paths."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET
from edge_lpr.vision.ctc_likelihood import log_likelihoods

SHOWN = "京A10"
"""Characters with a probability above 0 in the steps below."""


def steps(count: int, shown: str = SHOWN) -> NDArray[np.float32]:
    rng = np.random.default_rng(count)
    seen = np.zeros((count, 1 + len(ALPHABET)))
    classes = [0, *(1 + ALPHABET.index(character) for character in shown)]
    seen[:, classes] = rng.random((count, len(classes)))
    return np.asarray(seen / seen.sum(axis=1, keepdims=True), np.float32)


def every_path(seen: NDArray[np.float32], number: str, shown: str = SHOWN) -> float:
    """Returns the summed probability of all paths that spell ``number``."""
    total = 0.0
    for path in product([0, *(1 + ALPHABET.index(character) for character in shown)], repeat=len(seen)):
        spelt = "".join(ALPHABET[label - 1] for label, _ in groupby(path) if label)
        if spelt == number:
            total += float(np.prod(seen[np.arange(len(seen)), list(path)], dtype=np.float64))
    return total


@pytest.mark.parametrize("number", ["京A1", "京A10", "A", "11", "京A11", "101"])
def test_the_likelihood_is_the_sum_over_all_paths(number: str) -> None:
    seen = steps(6)
    assert np.exp(log_likelihoods(seen, [number])[0]) == pytest.approx(every_path(seen, number), rel=1e-3)


def test_numbers_of_several_lengths_are_rated_in_one_call() -> None:
    seen = steps(6)
    numbers = ["京A10", "A", "11"]
    assert log_likelihoods(seen, numbers) == pytest.approx([log_likelihoods(seen, [n])[0] for n in numbers])


def test_0_and_o_count_as_one_character() -> None:
    seen = steps(5, "1A0O")
    likelihoods = np.exp(log_likelihoods(seen, ["A0", "AO"]))
    assert likelihoods[0] == likelihoods[1] > every_path(seen, "A0", "1A0O") + every_path(seen, "AO", "1A0O") - 1e-9


def test_a_number_without_any_shown_character_has_a_finite_low_likelihood() -> None:
    (log_likelihood,) = log_likelihoods(steps(6), ["沪B22222"])
    assert np.isfinite(log_likelihood) and log_likelihood < -30
