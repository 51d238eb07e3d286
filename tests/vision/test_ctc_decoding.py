"""Decoding of step probabilities to numbers."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET, COLORS, KINDS, Color
from edge_lpr.vision.confidence import calibrated_confidence
from edge_lpr.vision.ctc_decoding import (
    DecodedNumber,
    decode,
    find_segments,
    greedy_number,
    prior_cost,
)
from edge_lpr.vision.model_file import Calibration
from edge_lpr.vision.recognizer import Recognition

STEPS = 80
Place = str | dict[str, float]
"""One place of a plate: a certain character, or characters with their probabilities ("" is the blank)."""


def steps(places: list[Place], width: int = 2) -> NDArray[np.float32]:
    """Returns probabilities like those of the recognizer: each place has ``width`` steps, with blank steps between."""
    result = np.full((STEPS, 1 + len(ALPHABET)), 1e-6, dtype=np.float32)
    result[:, 0] = 1
    at = 3
    for place in places:
        shares = {place: 0.99} if isinstance(place, str) else place
        for step in range(at, at + width):
            result[step, 0] = shares.get("", 1 - sum(shares.values()))
            for character, share in shares.items():
                if character:
                    result[step, 1 + ALPHABET.index(character)] = share
        at += width + 2
    normalised: NDArray[np.float32] = result / result.sum(axis=1, keepdims=True)
    return normalised


def recognition(places: list[Place], color: Color = Color.BLUE, rows: int = 1, sure: float = 0.97) -> Recognition:
    colors = np.full(len(COLORS), (1 - sure) / (len(COLORS) - 1), dtype=np.float32)
    colors[COLORS.index(color)] = sure
    row_shares = np.array([sure, 1 - sure] if rows == 1 else [1 - sure, sure], dtype=np.float32)
    return Recognition(steps(places), colors, row_shares, 1.0)


def read(places: list[Place], color: Color = Color.BLUE, rows: int = 1) -> DecodedNumber:
    decoded = decode(recognition(places, color, rows))
    assert decoded is not None
    return decoded


def test_a_clear_plate_is_decoded() -> None:
    decoded = read(list("京A12345"))
    assert decoded.number == "京A12345"
    assert decoded.valid
    assert decoded.raw_confidence > 0.98
    assert decoded.character_probabilities.shape == (7, len(ALPHABET))
    assert decoded.character_probabilities.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-4)
    assert "".join(ALPHABET[i] for i in decoded.character_probabilities.argmax(axis=1)) == "京A12345"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_can_be_decoded(kind: object) -> None:
    examples = {"p": "苏", "a": "E", "s": "7", "c": "7", "d": "7", "l": "K", "n": "D", "w": "7"}
    assert kind in KINDS
    real = next(item for item in KINDS if item is kind)
    number = "".join(examples.get(token, token[0]) for token in real.pattern)
    decoded = read(list(number), real.colors[0], real.rows[0])
    assert decoded.number == number
    assert decoded.valid


def test_repeated_characters_stay_apart() -> None:
    assert read(list("京A88888")).number == "京A88888"


def test_the_least_certain_character_sets_the_confidence() -> None:
    places: list[Place] = [*"京A1234", {"5": 0.6, "6": 0.39}]
    assert read(places).raw_confidence == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    ("places", "color", "number"),
    [
        (["京", "A", {"O": 0.7, "0": 0.28}, *"1234"], Color.BLUE, "京A01234"),
        (["川", {"0": 0.97, "O": 0.02}, *"5R36", "警"], Color.WHITE, "川O5R36警"),
        (["粤", {"0": 0.6, "O": 0.39}, *"1234", "警"], Color.WHITE, "粤O1234警"),
    ],
)
def test_the_grammar_decides_between_0_and_o(places: list[Place], color: Color, number: str) -> None:
    decoded = read(places, color)
    assert decoded.number == number
    assert decoded.raw_confidence > 0.9
    assert "".join(ALPHABET[i] for i in decoded.character_probabilities.argmax(axis=1)) == number


def test_the_first_character_is_a_province() -> None:
    places: list[Place] = [{"0": 0.6, "苏": 0.35}, *"E12345"]
    assert read(places).number == "苏E12345"


def test_three_letters_are_too_many() -> None:
    places: list[Place] = ["京", "A", {"B": 0.6, "8": 0.38}, "C", "D", "1", "2"]
    assert read(places).number == "京A8CD12"


def test_a_spurious_eighth_character_is_dropped() -> None:
    places: list[Place] = [*"京A1234", {"": 0.4, "1": 0.6}, "5"]
    assert read(places).number == "京A12345"


def test_a_faint_character_is_kept() -> None:
    places: list[Place] = [*"京A12", {"": 0.7, "3": 0.3}, *"45"]
    decoded = read(places)
    assert decoded.number == "京A12345"
    assert decoded.raw_confidence < 0.35


def test_the_color_decides_between_two_lengths() -> None:
    places: list[Place] = ["京", "A", "D", "1", "2", "3", "4", {"": 0.55, "5": 0.45}]
    assert read(places, Color.GREEN).number == "京AD12345"
    assert read(places, Color.BLUE).number == "京AD1234"


def test_flicker_inside_one_character_is_one_character() -> None:
    result = steps(list("京A12345"), width=3)
    first = 3 + 6 * 5  # the first step of the 5
    result[first] = 1e-6
    result[first, 1 + ALPHABET.index("6")] = 0.55
    result[first, 1 + ALPHABET.index("5")] = 0.44
    flickering = replace(recognition([]), steps=result)
    assert greedy_number(find_segments(result)) == "京A123465"
    decoded = decode(flickering)
    assert decoded is not None
    assert decoded.number == "京A12345"


def test_an_unlisted_authority_is_replaced_by_a_listed_one() -> None:
    places: list[Place] = [{"宁": 0.6, "鲁": 0.38}, "V", *"12345"]
    assert read(places).number == "鲁V12345"


def test_an_unlisted_authority_stays_when_the_picture_is_clear() -> None:
    assert read(list("宁X12345")).number == "宁X12345"


def test_no_number_without_a_plate() -> None:
    assert decode(recognition([])) is None
    assert decode(recognition(list("12"))) is None


@pytest.mark.parametrize("text", ["20231105", "ABCDEF", "京A123", "京ABCDEFGHK"])
def test_no_number_for_other_lettering(text: str) -> None:
    assert decode(recognition(list(text))) is None


def test_a_number_that_breaks_the_grammar_is_marked_invalid() -> None:
    decoded = read(list("京ABCDEF"))
    assert decoded.number == "京ABCDEF"
    assert not decoded.valid


def test_unlisted_issuing_letters_have_a_prior_cost_and_invalid_numbers_a_higher_one() -> None:
    for number in ("京A12345", "使123456", "WJ沪1234T", "民航A1234", "京7123456"):
        assert prior_cost(number) == 0
    assert 0 < prior_cost("京O12345") < prior_cost("宁Z12345") < prior_cost("京A1234")


def test_noise_is_decoded_without_errors() -> None:
    rng = np.random.default_rng(7)
    for sharpness, _ in itertools.product((1.0, 4.0, 12.0), range(20)):
        logits = rng.normal(size=(STEPS, 1 + len(ALPHABET))).astype(np.float32) * sharpness
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        noise = replace(recognition([]), steps=powers / powers.sum(axis=1, keepdims=True))
        decoded = decode(noise)
        if decoded is not None:
            assert len(decoded.character_probabilities) == len(decoded.number)
            assert 0 <= decoded.raw_confidence <= 1
            assert 0 <= calibrated_confidence(decoded, Calibration()) <= 100


def test_the_legibility_limits_the_confidence() -> None:
    clear = decode(recognition(list("京A12345")))
    illegible = decode(replace(recognition(list("京A12345")), legible=0.1))
    assert clear is not None
    assert illegible is not None
    assert illegible.number == clear.number
    assert clear.raw_confidence > 0.9
    assert illegible.raw_confidence == 0.1
