"""Edit distance of numbers, and the search for the most likely valid number."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET
from edge_lpr.tracking.text_candidates import best_valid_number, certainty, edit_distance


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("粤LQ092V", "粤LQ092V", 0),
        ("粤LQ092V", "粤LQ093V", 1),
        ("粤BD12345", "粤BD1234", 1),
        ("粤B12345", "粤B23451", 2),
        ("", "粤B", 2),
        ("京AF0236", "粤LQ198V", 7),
    ],
)
def test_edit_distance(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance


def logits(*positions: dict[str, float]) -> NDArray[np.float64]:
    probabilities = np.full((len(positions), len(ALPHABET)), 1e-6)
    for row, position in zip(probabilities, positions, strict=True):
        for character, probability in position.items():
            row[ALPHABET.index(character)] = probability
    logs: NDArray[np.float64] = np.log(probabilities)
    return logs


def test_the_most_likely_valid_number_is_found() -> None:
    serial = [{character: 0.98} for character in "0236"]
    scores = logits({"京": 0.7, "冀": 0.29}, {"8": 0.5, "B": 0.4, "A": 0.08}, {"F": 0.9}, *serial)
    assert best_valid_number(scores) == "京BF0236"


def test_a_rival_that_is_invalid_there_counts_little() -> None:
    serial = [{character: 0.999} for character in "F0236"]
    impossible = certainty(logits({"京": 0.999}, {"B": 0.45, "8": 0.55}, *serial), "京BF0236")
    possible = certainty(logits({"京": 0.999}, {"B": 0.45, "D": 0.55}, *serial), "京BF0236")
    assert impossible > 0.85
    assert possible == pytest.approx(0.45, abs=0.01)


def test_the_least_certain_character_decides() -> None:
    sure = [{character: 0.99999} for character in "京AF023"]
    assert certainty(logits(*sure, {"6": 0.6, "8": 0.4}), "京AF0236") == pytest.approx(0.6, abs=0.01)


def test_random_probabilities_give_no_number() -> None:
    rng = np.random.default_rng(0)
    assert best_valid_number(np.log(rng.dirichlet(np.ones(len(ALPHABET)), 4))) is None
