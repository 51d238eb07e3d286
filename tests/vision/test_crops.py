"""Where a plate is parted for a second look."""

from __future__ import annotations

import pytest

from edge_lpr.vision.crops import MIDDLE, UPPER_SIDES, half_crops, row_crops

CAR = [0.09, 0.22, 0.4, 0.53, 0.66, 0.78, 0.91]
"""The middles of the characters of a car's plate, shares of its width (GA 36-2014, figure F1)."""


def test_one_row_is_parted_at_the_gap_nearest_the_middle() -> None:
    left, right = half_crops(CAR)
    assert tuple(left) == pytest.approx((0.0, 0.0, 0.465, 1.0))
    assert tuple(right) == pytest.approx((0.465, 0.0, 1.0, 1.0))


@pytest.mark.parametrize("middles", [[], [0.3], [0.05, 0.15], [0.8, 0.9]])
def test_one_row_without_a_gap_near_the_middle_is_parted_where_cars_plates_have_one(middles: list[float]) -> None:
    left, right = half_crops(middles)
    assert left.right == right.left == MIDDLE


@pytest.mark.parametrize("overlooked", range(7))
def test_no_character_is_parted_though_one_was_overlooked(overlooked: int) -> None:
    at = half_crops(CAR[:overlooked] + CAR[overlooked + 1 :])[0].right
    assert min(abs(at - middle) for middle in CAR) > 0.05  # half of a character's width


def test_of_two_rows_the_upper_is_cut_where_its_characters_stand() -> None:
    upper, lower = row_crops([0.42, 0.58])
    assert upper.left == pytest.approx(0.3) and upper.right == pytest.approx(0.7)
    assert upper.top == 0.0 and lower.bottom == 1.0
    assert lower.top < upper.bottom  # what reaches over the middle is whole in one of them
    assert (lower.left, lower.right) == (0.0, 1.0)


def test_an_upper_row_reaches_no_further_than_any_does() -> None:
    upper, _ = row_crops([0.25, 0.75])
    assert (upper.left, upper.right) == UPPER_SIDES


@pytest.mark.parametrize(
    "middles",
    [[], [0.5], [0.2, 0.4, 0.6, 0.8], [0.45, 0.5], [0.58, 0.73], [0.23, 0.4], [0.1, 0.2]],
    ids=["none", "one", "four", "too close for two", "no first", "no last", "far left"],
)
def test_an_upper_row_of_which_not_all_was_seen_is_shown_in_full_width(middles: list[float]) -> None:
    upper, _ = row_crops(middles)
    assert (upper.left, upper.right) == UPPER_SIDES
