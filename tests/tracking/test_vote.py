"""The vote: which number, and how sure."""

from __future__ import annotations

import numpy as np
import pytest

from edge_lpr.plates import Color
from edge_lpr.tracking.vote import Vote, VoteResult
from tests.tracking.film import plate

CAR = "粤LQ092V"


def outcome(vote: Vote) -> VoteResult:
    verdict = vote.result()
    assert verdict is not None
    return verdict


@pytest.mark.parametrize("confidence", [20, 55, 83, 92, 99])
def test_one_frame_is_as_sure_as_its_reading(confidence: int) -> None:
    vote = Vote()
    vote.add(plate(CAR, confidence=confidence), new_view=False)
    assert (outcome(vote).number, outcome(vote).confidence) == (CAR, confidence)


def test_agreeing_views_make_surer() -> None:
    vote, rng, confidences = Vote(), np.random.default_rng(0), []
    for _ in range(5):
        vote.add(plate(CAR, confidence=80, rng=rng), new_view=True)
        confidences.append(outcome(vote).confidence)
    assert confidences == sorted(confidences)
    assert confidences[0] == 80
    assert confidences[-1] >= 93


def test_many_views_of_unsure_readings_stay_unsure() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(50):  # lettering on a passing truck
        vote.add(plate(CAR, confidence=40, rng=rng), new_view=True)
    assert outcome(vote).confidence < 80


def test_frames_of_a_still_car_never_become_certain() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(500):
        vote.add(plate("粤LQ093V", confidence=75, truth=CAR, rng=rng), new_view=False)
    assert outcome(vote).confidence < 85


def test_a_disagreement_makes_less_sure() -> None:
    rng, agreed, divided = np.random.default_rng(0), Vote(), Vote()
    for i in range(10):
        agreed.add(plate(CAR, confidence=85, rng=rng), new_view=True)
        read = "粤LQ093V" if i % 5 in (1, 3) else CAR  # 40%
        divided.add(plate(read, confidence=85, truth=CAR, rng=rng), new_view=True)
    assert outcome(divided).number == CAR
    assert outcome(divided).confidence < outcome(agreed).confidence


def test_readings_of_another_length_vote_apart() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for i in range(9):
        vote.add(plate("粤BD1234" if i % 3 == 1 else "粤BD12345", rng=rng), new_view=True)
    assert outcome(vote).number == "粤BD12345"
    sure = outcome(vote).confidence
    for _ in range(4):
        vote.add(plate("粤BD1234", rng=rng), new_view=True)
    assert outcome(vote).confidence < sure


def test_large_plates_outweigh_small_ones() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(6):
        vote.add(plate("粤LQ093V", width=40, confidence=70, truth=CAR, rng=rng), new_view=True)
    for _ in range(4):
        vote.add(plate(CAR, width=140, confidence=90, rng=rng), new_view=True)
    assert outcome(vote).number == CAR


def test_the_outcome_is_a_valid_number_though_no_character_was_read_so() -> None:
    vote = Vote()
    reading = plate("粤8Q092V", confidence=60, truth="粤BQ092V")  # 8 cannot be an issuing letter
    vote.add(reading, new_view=False)
    verdict = outcome(vote)
    assert verdict.number == "粤BQ092V"
    assert verdict.confidence < 90


def test_text_bent_into_a_plate_number_is_unsure() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for _ in range(5):
        vote.add(plate("8LQ092V", confidence=99, rng=rng), new_view=True)
    verdict = vote.result()
    assert verdict is None or verdict.confidence < 30


def test_no_valid_number_is_no_verdict() -> None:
    vote = Vote()
    assert vote.result() is None
    vote.add(plate("2024"), new_view=False)
    assert vote.result() is None


def test_colour_is_voted_too() -> None:
    vote, rng = Vote(), np.random.default_rng(0)
    for i in range(9):
        vote.add(plate(CAR, color=Color.BLUE if i % 3 == 2 else Color.YELLOW, rng=rng), new_view=True)
    assert outcome(vote).color is Color.YELLOW


def test_evidence_of_the_wrong_shape_is_refused() -> None:
    reading = plate(CAR)
    object.__setattr__(reading, "evidence", reading.evidence[:3])
    with pytest.raises(ValueError, match="wrong shape"):
        Vote().add(reading, new_view=False)
