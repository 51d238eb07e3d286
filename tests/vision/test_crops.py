"""Where a plate is cropped for test-time augmentation."""

from __future__ import annotations

import pytest

from edge_lpr.vision.crops import MIDDLE, UPPER_SIDES, half_crops, row_crops

CAR = [0.09, 0.22, 0.4, 0.53, 0.66, 0.78, 0.91]
"""Centres of the characters of a car's plate, as fractions of its width (GA 36-2014, figure F1)."""


def test_one_row_is_split_at_the_gap_nearest_the_middle() -> None:
    left, right = half_crops(CAR)
    assert tuple(left) == pytest.approx((0.0, 0.0, 0.465, 1.0))
    assert tuple(right) == pytest.approx((0.465, 0.0, 1.0, 1.0))


@pytest.mark.parametrize("centers", [[], [0.3], [0.05, 0.15], [0.8, 0.9]])
def test_one_row_without_a_gap_near_the_middle_is_split_at_the_default(centers: list[float]) -> None:
    left, right = half_crops(centers)
    assert left.right == right.left == MIDDLE


@pytest.mark.parametrize("missed", range(7))
def test_no_character_is_cut_when_one_was_missed(missed: int) -> None:
    split = half_crops(CAR[:missed] + CAR[missed + 1 :])[0].right
    assert min(abs(split - center) for center in CAR) > 0.05  # half of a character's width


def test_the_upper_of_two_rows_is_cropped_around_its_characters() -> None:
    upper, lower = row_crops([0.42, 0.58])
    assert upper.left == pytest.approx(0.3) and upper.right == pytest.approx(0.7)
    assert upper.top == 0.0 and lower.bottom == 1.0
    assert lower.top < upper.bottom  # the crops overlap, so no character is cut in both
    assert (lower.left, lower.right) == (0.0, 1.0)


def test_the_crop_of_an_upper_row_has_a_widest_extent() -> None:
    upper, _ = row_crops([0.25, 0.75])
    assert (upper.left, upper.right) == UPPER_SIDES


@pytest.mark.parametrize(
    "centers",
    [[], [0.5], [0.2, 0.4, 0.6, 0.8], [0.45, 0.5], [0.58, 0.73], [0.23, 0.4], [0.1, 0.2]],
    ids=["none", "one", "four", "too close for two", "no first", "no last", "far left"],
)
def test_an_upper_row_with_missed_characters_is_cropped_at_its_widest_extent(centers: list[float]) -> None:
    upper, _ = row_crops(centers)
    assert (upper.left, upper.right) == UPPER_SIDES
