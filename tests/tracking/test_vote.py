"""The vote: its number and its confidence."""

from __future__ import annotations

import numpy as np
import pytest

from edge_lpr.plates import Color
from edge_lpr.tracking.vote import Vote, VoteResult
from tests.tracking.film import plate

CAR = "粤LQ092V"


def result_of(vote: Vote) -> VoteResult:
    result = vote.result()
    assert result is not None
    return result


@pytest.mark.parametrize("confidence", [20, 55, 83, 92, 99])
def test_one_frame_has_the_confidence_of_its_reading(confidence: int) -> None:
    vote = Vote()
    vote.add_reading(plate(CAR, confidence=confidence), new_view=False)
    assert (result_of(vote).number, result_of(vote).confidence) == (CAR, confidence)


def test_agreeing_views_raise_the_confidence() -> None:
    vote, rng, confidences = Vote(), np.random.default_rng(0), []
    for _ in range(5):
        vote.add_reading(plate(CAR, confidence=80, rng=rng), new_view=True)
        confidences.append(result_of(vote).confidence)
    assert confidences == sorted(confidences)
    assert confidences[0] == 80
    assert confidences[-1] >= 93


def test_many_views_of_uncertain_readings_stay_uncertain() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(50):  # For example lettering on a passing truck.
        vote.add_reading(plate(CAR, confidence=40, rng=rng), new_view=True)
    assert result_of(vote).confidence < 80


def test_frames_of_a_still_car_never_become_certain() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(500):
        vote.add_reading(plate("粤LQ093V", confidence=75, truth=CAR, rng=rng), new_view=False)
    assert result_of(vote).confidence < 85


def test_disagreement_lowers_the_confidence() -> None:
    rng, agreed, divided = np.random.default_rng(0), Vote(), Vote()
    for i in range(10):
        agreed.add_reading(plate(CAR, confidence=85, rng=rng), new_view=True)
        read = "粤LQ093V" if i % 5 in (1, 3) else CAR  # 40%
        divided.add_reading(plate(read, confidence=85, truth=CAR, rng=rng), new_view=True)
    assert result_of(divided).number == CAR
    assert result_of(divided).confidence < result_of(agreed).confidence


def test_readings_of_another_length_are_summed_separately() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for i in range(9):
        vote.add_reading(plate("粤BD1234" if i % 3 == 1 else "粤BD12345", rng=rng), new_view=True)
    assert result_of(vote).number == "粤BD12345"
    before = result_of(vote).confidence
    for _ in range(4):
        vote.add_reading(plate("粤BD1234", rng=rng), new_view=True)
    assert result_of(vote).confidence < before


def test_large_plates_outweigh_small_ones() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(6):
        vote.add_reading(plate("粤LQ093V", width=40, confidence=70, truth=CAR, rng=rng), new_view=True)
    for _ in range(4):
        vote.add_reading(plate(CAR, width=140, confidence=90, rng=rng), new_view=True)
    assert result_of(vote).number == CAR


def test_the_result_is_valid_although_a_character_was_read_otherwise() -> None:
    vote = Vote()
    reading = plate("粤8Q092V", confidence=60, truth="粤BQ092V")  # An 8 is no issuing letter.
    vote.add_reading(reading, new_view=False)
    result = result_of(vote)
    assert result.number == "粤BQ092V"
    assert result.confidence < 90


def test_text_that_was_made_valid_is_uncertain() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(5):
        vote.add_reading(plate("8LQ092V", confidence=99, rng=rng), new_view=True)
    result = vote.result()
    assert result is None or result.confidence < 30


def test_without_a_valid_number_there_is_no_result() -> None:
    vote = Vote()
    assert vote.result() is None
    vote.add_reading(plate("2024"), new_view=False)
    assert vote.result() is None


def test_colour_is_voted_on() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for i in range(9):
        vote.add_reading(plate(CAR, color=Color.BLUE if i % 3 == 2 else Color.YELLOW, rng=rng), new_view=True)
    assert result_of(vote).color is Color.YELLOW


def test_probabilities_of_the_wrong_shape_are_rejected() -> None:
    reading = plate(CAR)
    object.__setattr__(reading, "character_probabilities", reading.character_probabilities[:3])
    with pytest.raises(ValueError, match="wrong shape"):
        Vote().add_reading(reading, new_view=False)
