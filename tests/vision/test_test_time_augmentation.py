"""What several looks at one plate come to."""

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


def settled(*looks: Recognition) -> DecodedNumber:
    """What ``looks``, a whole and its parts in turn, come to."""
    first = decode(looks[0])
    assert first is not None
    quad = Quad((0, 0), (4, 0), (4, 1), (0, 1))
    cuts = [PlatePass(whole, parts) for whole, parts in zip(looks[::2], looks[1::2], strict=True)]
    return combine_passes(Hypothesis(quad, first, looks[0].colors, looks[0].rows), cuts).decoded


def torn(share: float, upper: str = JING, other: str = JIN, legible: float = 1.0) -> Recognition:
    """A look that sees ``upper`` with this probability, else ``other``, and "45" below."""
    one, two = saw(upper, LOWER, 1), saw(other, LOWER, 1)
    return replace(one, steps=share * one.steps + (1 - share) * two.steps, legible=legible)


def test_two_looks_that_agree_are_as_sure_as_their_mean() -> None:
    decoded = settled(torn(0.8), torn(0.9))
    assert decoded.number == "京A12345" and decoded.valid
    assert decoded.raw_confidence == pytest.approx(0.85, abs=1e-3)


@pytest.mark.parametrize("turned", [False, True])
def test_one_look_that_knows_outweighs_three_that_guess(turned: bool) -> None:
    looks = [torn(0.6), torn(0.55), torn(0.55), torn(0.02)]
    decoded = settled(*(reversed(looks) if turned else looks))
    assert decoded.number == "津A12345"
    assert decoded.raw_confidence == pytest.approx((0.4 + 0.45 + 0.45 + 0.98) / 4, abs=1e-3)
    assert decoded.character_probabilities[0, ALPHABET.index("津")] == pytest.approx(
        (0.4 + 0.45 + 0.45 + 0.98) / 4, abs=1e-3
    )


def test_a_look_that_sees_nothing_halves_the_faith_and_speaks_for_no_other_number() -> None:
    decoded = settled(torn(0.6), saw(" " * 10, " " * 10, 1))
    assert decoded.number == "京A12345"
    assert decoded.raw_confidence == pytest.approx(0.3, abs=0.01)


def test_numbers_of_unlike_length_do_not_mix_their_evidence() -> None:
    decoded = settled(torn(1.0), torn(0.7, "京 AD1 2 3 ", JING))
    assert decoded.number == "京A12345"
    assert decoded.character_probabilities.shape == (7, len(ALPHABET))
    assert decoded.character_probabilities.max(axis=1) == pytest.approx(np.ones(7))


def test_it_is_no_surer_than_the_plate_is_legible_in_whole_or_parts() -> None:
    assert settled(torn(0.9, legible=0.2), torn(0.9, legible=0.6)).raw_confidence == pytest.approx(0.6)


def test_seen_in_parts_it_is_their_steps_in_turn_and_as_legible_as_the_least_of_them() -> None:
    def recognition(value: float, legible: float) -> Recognition:
        return Recognition(np.full((80, 3), value, np.float32), np.ones(1, np.float32), np.ones(2, np.float32), legible)

    seen = recognition(0.5, 0.1).with_crop_steps([recognition(0.1, 0.7), recognition(0.9, 0.2)])
    assert seen.steps[:80] == pytest.approx(0.1)
    assert seen.steps[81:] == pytest.approx(0.9)
    assert len(seen.steps) == 161
    assert seen.legible == 0.2


def saw(upper: str, lower: str, rows: int) -> Recognition:
    """A look of 2 x 10 columns; ``upper`` and ``lower`` have a character for each column, a space where it is blank."""
    steps = np.zeros((20, 1 + len(ALPHABET)), np.float32)
    steps[np.arange(20), [0 if character == " " else 1 + ALPHABET.index(character) for character in upper + lower]] = 1
    both = np.array([2 - rows, rows - 1], np.float32)
    return Recognition(steps, np.full(len(COLORS), 1 / len(COLORS), np.float32), both, 1.0)


def test_equal_characters_on_either_side_of_the_gap_between_parts_stay_two() -> None:
    left, right = saw(" " * 10, "京 A 1 2  8", 1), saw("8  3      ", " " * 10, 1)
    decoded = decode(left.with_crop_steps([left, right]))
    assert decoded is not None and decoded.number == "京A12883"


def test_one_row_is_parted_between_its_characters_in_whichever_line_they_are_read() -> None:
    for look in (saw("京 A 1 23  ", " " * 10, 1), saw(" " * 10, "京 A 1 23  ", 1), saw("京 A       ", "    1 23  ", 1)):
        left, right = plate_crops(look)
        assert left.right == right.left == pytest.approx(0.4)  # between A, seen in the third column, and 1 in the fifth


def test_of_two_rows_the_upper_line_says_where_the_upper_row_stands() -> None:
    upper, lower = plate_crops(saw("   京 A    ", "1 2 3 4 5 ", 2))
    assert (upper.left + upper.right) / 2 == pytest.approx(0.5)
    assert upper.right - upper.left == pytest.approx(0.46)
    assert lower.right - lower.left == 1.0


def test_where_nothing_was_seen_there_are_parts_all_the_same() -> None:
    assert plate_crops(saw(" " * 10, " " * 10, 1)) == half_crops([])
    assert plate_crops(saw(" " * 10, " " * 10, 2)) == row_crops([])
