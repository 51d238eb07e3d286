"""How several passes over one plate are combined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_lpr.geometry import Quad
from edge_lpr.plates import ALPHABET, COLORS
from edge_lpr.vision.crops import half_crops, row_crops
from edge_lpr.vision.ctc_decoding import DecodedNumber, decode
from edge_lpr.vision.recognizer import Recognition
from edge_lpr.vision.test_time_augmentation import Hypothesis, PlatePass, combine_passes, plate_crops

JING, JIN = "京 A 1 2 3 ", "津 A 1 2 3 "
LOWER = "4 5       "


def combined(*recognitions: Recognition) -> DecodedNumber:
    """Combines passes; ``recognitions`` are those of the whole and of the crops of each pass in turn."""
    first = decode(recognitions[0])
    assert first is not None
    quad = Quad((0, 0), (4, 0), (4, 1), (0, 1))
    passes = [PlatePass(*pair) for pair in zip(recognitions[::2], recognitions[1::2], strict=True)]
    return combine_passes(Hypothesis(quad, first, recognitions[0].colors, recognitions[0].rows), passes).decoded


def ambiguous(share: float, upper: str = JING, other: str = JIN, legible: float = 1.0) -> Recognition:
    """Returns a recognition of ``upper`` with the probability ``share``, else of ``other``; below is "45"."""
    one, two = recognized(upper, LOWER, 1), recognized(other, LOWER, 1)
    return replace(one, steps=share * one.steps + (1 - share) * two.steps, legible=legible)


def test_two_recognitions_that_agree_have_their_mean_confidence() -> None:
    decoded = combined(ambiguous(0.8), ambiguous(0.9))
    assert decoded.number == "京A12345" and decoded.valid
    assert decoded.raw_confidence == pytest.approx(0.85, abs=1e-3)


@pytest.mark.parametrize("is_reversed", [False, True])
def test_one_certain_recognition_outweighs_three_uncertain_ones(is_reversed: bool) -> None:
    recognitions = [ambiguous(0.6), ambiguous(0.55), ambiguous(0.55), ambiguous(0.02)]
    decoded = combined(*(reversed(recognitions) if is_reversed else recognitions))
    assert decoded.number == "津A12345"
    mean = (0.4 + 0.45 + 0.45 + 0.98) / 4
    assert decoded.raw_confidence == pytest.approx(mean, abs=1e-3)
    assert decoded.character_probabilities[0, ALPHABET.index("津")] == pytest.approx(mean, abs=1e-3)


def test_an_empty_recognition_halves_the_confidence_and_keeps_the_number() -> None:
    decoded = combined(ambiguous(0.6), recognized(" " * 10, " " * 10, 1))
    assert decoded.number == "京A12345"
    assert decoded.raw_confidence == pytest.approx(0.3, abs=0.01)


def test_numbers_of_different_length_do_not_mix_their_probabilities() -> None:
    decoded = combined(ambiguous(1.0), ambiguous(0.7, "京 AD1 2 3 ", JING))
    assert decoded.number == "京A12345"
    assert decoded.character_probabilities.shape == (7, len(ALPHABET))
    assert decoded.character_probabilities.max(axis=1) == pytest.approx(np.ones(7))


def test_the_confidence_is_limited_by_the_better_legibility_of_whole_and_crops() -> None:
    assert combined(ambiguous(0.9, legible=0.2), ambiguous(0.9, legible=0.6)).raw_confidence == pytest.approx(0.6)


def test_joined_crops_have_their_steps_in_turn_and_their_lowest_legibility() -> None:
    def recognition(value: float, legible: float) -> Recognition:
        return Recognition(np.full((80, 3), value, np.float32), np.ones(1, np.float32), np.ones(2, np.float32), legible)

    joined = recognition(0.5, 0.1).with_crop_steps([recognition(0.1, 0.7), recognition(0.9, 0.2)])
    assert joined.steps[:80] == pytest.approx(0.1)
    assert joined.steps[81:] == pytest.approx(0.9)
    assert len(joined.steps) == 161
    assert joined.legible == 0.2


def recognized(upper: str, lower: str, rows: int) -> Recognition:
    """Returns a recognition of 2 x 10 columns; ``upper`` and ``lower`` have a character or a space for each column."""
    steps = np.zeros((20, 1 + len(ALPHABET)), np.float32)
    steps[np.arange(20), [0 if character == " " else 1 + ALPHABET.index(character) for character in upper + lower]] = 1
    both = np.array([2 - rows, rows - 1], np.float32)
    return Recognition(steps, np.full(len(COLORS), 1 / len(COLORS), np.float32), both, 1.0)


def test_equal_characters_at_the_seam_of_two_crops_stay_two() -> None:
    left, right = recognized(" " * 10, "京 A 1 2  8", 1), recognized("8  3      ", " " * 10, 1)
    decoded = decode(left.with_crop_steps([left, right]))
    assert decoded is not None and decoded.number == "京A12883"


def test_one_row_is_split_between_its_characters_in_whichever_line_they_are() -> None:
    for whole in (
        recognized("京 A 1 23  ", " " * 10, 1),
        recognized(" " * 10, "京 A 1 23  ", 1),
        recognized("京 A       ", "    1 23  ", 1),
    ):
        left, right = plate_crops(whole)
        assert left.right == right.left == pytest.approx(0.4)  # between A in the third column and 1 in the fifth


def test_the_upper_line_gives_the_position_of_the_upper_row() -> None:
    upper, lower = plate_crops(recognized("   京 A    ", "1 2 3 4 5 ", 2))
    assert (upper.left + upper.right) / 2 == pytest.approx(0.5)
    assert upper.right - upper.left == pytest.approx(0.46)
    assert lower.right - lower.left == 1.0


def test_a_recognition_without_characters_gets_the_default_crops() -> None:
    assert plate_crops(recognized(" " * 10, " " * 10, 1)) == half_crops([])
    assert plate_crops(recognized(" " * 10, " " * 10, 2)) == row_crops([])
