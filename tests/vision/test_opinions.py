"""What several opinions of one plate come to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge_lpr.geometry import Quad
from edge_lpr.plates import ALPHABET, COLORS
from edge_lpr.vision.decoding import Decoded, decode
from edge_lpr.vision.opinions import Opinion, parts_of, settle
from edge_lpr.vision.parts import end_parts, row_parts
from edge_lpr.vision.recognizer import Recognition


def opinion(number: str, raw_confidence: float) -> Opinion:
    evidence = np.zeros((len(number), len(ALPHABET)), dtype=np.float32)
    evidence[np.arange(len(number)), [ALPHABET.index(character) for character in number]] = 1
    colors = np.full(len(COLORS), 1 / len(COLORS), dtype=np.float32)
    decoded = Decoded(number, raw_confidence, True, evidence)
    return Opinion(Quad((0, 0), (4, 0), (4, 1), (0, 1)), decoded, colors, np.array([1.0, 0.0], dtype=np.float32))


def test_two_opinions_that_agree_are_as_sure_as_their_mean() -> None:
    settled = settle(opinion("京A12345", 0.8), [opinion("京A12345", 0.9)]).decoded
    assert settled.number == "京A12345"
    assert settled.raw_confidence == pytest.approx(0.85)


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_numbers_the_surer_is_given_with_half_its_faith(turned: bool) -> None:
    first, other = opinion("京A12345", 0.9), opinion("津A12345", 0.8)
    settled = (settle(other, [first]) if turned else settle(first, [other])).decoded
    assert settled.number == "京A12345"
    assert settled.raw_confidence == pytest.approx(0.45)
    assert settled.evidence[0, ALPHABET.index("津")] == pytest.approx(0.5)


def test_numbers_of_unlike_length_do_not_mix_their_evidence() -> None:
    settled = settle(opinion("京A12345", 0.9), [opinion("京AD12345", 0.5)]).decoded
    assert settled.evidence.shape == (7, len(ALPHABET))
    assert settled.evidence.max(axis=1) == pytest.approx(np.ones(7))


def test_what_the_second_look_does_not_see_is_half_as_sure() -> None:
    settled = settle(opinion("京A12345", 0.6), [None]).decoded
    assert settled.number == "京A12345"
    assert settled.raw_confidence == pytest.approx(0.3)


def test_of_four_opinions_the_number_counts_that_most_confidence_speaks_for() -> None:
    settled = settle(opinion("京A12345", 0.7), [opinion("津A12345", 0.5), None, opinion("津A12345", 0.4)]).decoded
    assert settled.number == "津A12345"
    assert settled.raw_confidence == pytest.approx(0.9 / 4)
    assert settled.evidence[0, ALPHABET.index("津")] == pytest.approx(2 / 3)


def test_seen_in_parts_it_is_their_steps_in_turn_and_as_legible_as_the_least_of_them() -> None:
    def recognition(value: float, legible: float) -> Recognition:
        return Recognition(np.full((80, 3), value, np.float32), np.ones(1, np.float32), np.ones(2, np.float32), legible)

    seen = recognition(0.5, 0.1).in_parts([recognition(0.1, 0.7), recognition(0.9, 0.2)])
    assert seen.steps[:80] == pytest.approx(0.1)
    assert seen.steps[81:] == pytest.approx(0.9)
    assert len(seen.steps) == 161
    assert seen.legible == 0.2


def test_the_upper_row_seen_larger_stands_for_the_upper_line_and_says_how_legible_the_plate_is() -> None:
    whole, larger = saw("   京 B    ", "1 2 3 4 5 ", 2), saw("津    B    ", " " * 10, 1)
    decoded = decode(replace(whole, legible=0.1).with_upper_row(replace(larger, legible=0.9)))
    assert decoded is not None and decoded.number == "津B12345"
    assert decoded.raw_confidence == pytest.approx(0.9)


def saw(upper: str, lower: str, rows: int) -> Recognition:
    """A look of 2 x 10 columns; ``upper`` and ``lower`` have a character for each column, a space where it is blank."""
    steps = np.zeros((20, 1 + len(ALPHABET)), np.float32)
    steps[np.arange(20), [0 if character == " " else 1 + ALPHABET.index(character) for character in upper + lower]] = 1
    both = np.array([2 - rows, rows - 1], np.float32)
    return Recognition(steps, np.full(len(COLORS), 1 / len(COLORS), np.float32), both, 1.0)


def test_equal_characters_on_either_side_of_the_gap_between_parts_stay_two() -> None:
    left, right = saw(" " * 10, "京 A 1 2  8", 1), saw("8  3      ", " " * 10, 1)
    decoded = decode(left.in_parts([left, right]))
    assert decoded is not None and decoded.number == "京A12883"


def test_one_row_is_parted_between_its_characters_in_whichever_line_they_are_read() -> None:
    for look in (saw("京 A 1 23  ", " " * 10, 1), saw(" " * 10, "京 A 1 23  ", 1), saw("京 A       ", "    1 23  ", 1)):
        left, right = parts_of(look)
        assert left.right == right.left == pytest.approx(0.4)  # between A, seen in the third column, and 1 in the fifth


def test_of_two_rows_the_upper_line_says_where_the_upper_row_stands() -> None:
    upper, lower = parts_of(saw("   京 A    ", "1 2 3 4 5 ", 2))
    assert (upper.left + upper.right) / 2 == pytest.approx(0.5)
    assert upper.right - upper.left == pytest.approx(0.46)
    assert lower.right - lower.left == 1.0


def test_where_nothing_was_seen_there_are_parts_all_the_same() -> None:
    assert parts_of(saw(" " * 10, " " * 10, 1)) == end_parts([])
    assert parts_of(saw(" " * 10, " " * 10, 2)) == row_parts([])
