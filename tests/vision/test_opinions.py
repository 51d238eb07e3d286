"""What two opinions of one plate come to."""

from __future__ import annotations

import numpy as np
import pytest

from edge_lpr.plates import ALPHABET, COLORS
from edge_lpr.vision.decoding import Decoded
from edge_lpr.vision.opinions import Opinion, settle
from edge_lpr.vision.recognizer import Recognition


def opinion(number: str, raw_confidence: float) -> Opinion:
    evidence = np.zeros((len(number), len(ALPHABET)), dtype=np.float32)
    evidence[np.arange(len(number)), [ALPHABET.index(character) for character in number]] = 1
    colors = np.full(len(COLORS), 1 / len(COLORS), dtype=np.float32)
    return Opinion(Decoded(number, raw_confidence, True, evidence), colors, np.array([1.0, 0.0], dtype=np.float32))


def test_two_opinions_that_agree_are_as_sure_as_their_mean() -> None:
    settled = settle(opinion("京A12345", 0.8), opinion("京A12345", 0.9)).decoded
    assert settled.number == "京A12345"
    assert settled.raw_confidence == pytest.approx(0.85)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_numbers_the_surer_is_given_with_half_its_faith(turned: bool) -> None:
    pair = (opinion("京A12345", 0.9), opinion("津A12345", 0.8))
    settled = settle(*(reversed(pair) if turned else pair)).decoded
    assert settled.number == "京A12345"
    assert settled.raw_confidence == pytest.approx(0.45)
    assert settled.evidence[0, ALPHABET.index("津")] == pytest.approx(0.5)


def test_numbers_of_unlike_length_do_not_mix_their_evidence() -> None:
    settled = settle(opinion("京A12345", 0.9), opinion("京AD12345", 0.5)).decoded
    assert settled.evidence.shape == (7, len(ALPHABET))
    assert settled.evidence.max(axis=1) == pytest.approx(np.ones(7))


def test_what_the_second_look_does_not_see_is_half_as_sure() -> None:
    settled = settle(opinion("京A12345", 0.6), None).decoded
    assert settled.number == "京A12345"
    assert settled.raw_confidence == pytest.approx(0.3)


def test_another_recognition_may_lend_its_upper_row_and_how_legible_it_is() -> None:
    def recognition(value: float, legible: float) -> Recognition:
        return Recognition(np.full((80, 3), value, np.float32), np.ones(1, np.float32), np.ones(2, np.float32), legible)

    mixed = recognition(0.1, 0.7).with_upper_row_of(recognition(0.9, 0.2))
    assert mixed.steps[:40] == pytest.approx(0.9)
    assert mixed.steps[40:] == pytest.approx(0.1)
    assert mixed.legible == 0.2
