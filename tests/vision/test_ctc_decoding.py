"""From step probabilities to numbers: the picture first, the grammar where the picture leaves a choice."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.plates import ALPHABET, COLORS, KINDS, Color
from edge_lpr.vision.confidence import MAX_INVALID_NUMBER_CONFIDENCE, calibrated_confidence, is_plausible
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
Look = str | dict[str, float]
"""What one place shows: a character for sure, or characters with their shares ("" is the blank)."""


def steps(looks: list[Look], width: int = 2) -> NDArray[np.float32]:
    """Probabilities as a recognizer gives them: each look ``width`` steps long, blank steps between."""
    result = np.full((STEPS, 1 + len(ALPHABET)), 1e-6, dtype=np.float32)
    result[:, 0] = 1
    at = 3
    for look in looks:
        shares = {look: 0.99} if isinstance(look, str) else look
        for step in range(at, at + width):
            result[step, 0] = shares.get("", 1 - sum(shares.values()))
            for character, share in shares.items():
                if character:
                    result[step, 1 + ALPHABET.index(character)] = share
        at += width + 2
    normalised: NDArray[np.float32] = result / result.sum(axis=1, keepdims=True)
    return normalised


def recognition(looks: list[Look], color: Color = Color.BLUE, rows: int = 1, sure: float = 0.97) -> Recognition:
    colors = np.full(len(COLORS), (1 - sure) / (len(COLORS) - 1), dtype=np.float32)
    colors[COLORS.index(color)] = sure
    row_shares = np.array([sure, 1 - sure] if rows == 1 else [1 - sure, sure], dtype=np.float32)
    return Recognition(steps(looks), colors, row_shares, 1.0)


def read(looks: list[Look], color: Color = Color.BLUE, rows: int = 1) -> DecodedNumber:
    decoded = decode(recognition(looks, color, rows))
    assert decoded is not None
    return decoded


def test_a_clear_plate_is_read_as_it_is() -> None:
    decoded = read(list("京A12345"))
    assert decoded.number == "京A12345"
    assert decoded.valid
    assert decoded.raw_confidence > 0.98
    assert decoded.character_probabilities.shape == (7, len(ALPHABET))
    assert decoded.character_probabilities.sum(axis=1) == pytest.approx(np.ones(7), abs=1e-4)
    assert "".join(ALPHABET[i] for i in decoded.character_probabilities.argmax(axis=1)) == "京A12345"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_kind_can_be_read(kind: object) -> None:
    examples = {"p": "苏", "a": "E", "s": "7", "c": "7", "d": "7", "l": "K", "n": "D", "w": "7"}
    assert kind in KINDS
    real = next(item for item in KINDS if item is kind)
    number = "".join(examples.get(word, word[0]) for word in real.pattern)
    decoded = read(list(number), real.colors[0], real.rows[0])
    assert decoded.number == number
    assert decoded.valid


def test_repeated_characters_stay_apart() -> None:
    assert read(list("京A88888")).number == "京A88888"


def test_the_smallest_character_sets_the_confidence() -> None:
    looks: list[Look] = [*"京A1234", {"5": 0.6, "6": 0.39}]
    assert read(looks).raw_confidence == pytest.approx(0.6, abs=0.02)


@pytest.mark.parametrize(
    ("looks", "color", "number"),
    [
        (["京", "A", {"O": 0.7, "0": 0.28}, *"1234"], Color.BLUE, "京A01234"),
        (["川", {"0": 0.97, "O": 0.02}, *"5R36", "警"], Color.WHITE, "川O5R36警"),
        (["粤", {"0": 0.6, "O": 0.39}, *"1234", "警"], Color.WHITE, "粤O1234警"),
    ],
)
def test_0_and_o_are_one_shape_that_the_grammar_tells_apart(looks: list[Look], color: Color, number: str) -> None:
    decoded = read(looks, color)
    assert decoded.number == number
    assert decoded.raw_confidence > 0.9
    assert "".join(ALPHABET[i] for i in decoded.character_probabilities.argmax(axis=1)) == number


def test_the_first_character_is_a_province() -> None:
    looks: list[Look] = [{"0": 0.6, "苏": 0.35}, *"E12345"]
    assert read(looks).number == "苏E12345"


def test_three_letters_are_too_many() -> None:
    looks: list[Look] = ["京", "A", {"B": 0.6, "8": 0.38}, "C", "D", "1", "2"]
    assert read(looks).number == "京A8CD12"


def test_a_spurious_eighth_character_is_dropped() -> None:
    looks: list[Look] = [*"京A1234", {"": 0.4, "1": 0.6}, "5"]
    assert read(looks).number == "京A12345"


def test_a_faint_character_is_taken_up() -> None:
    looks: list[Look] = [*"京A12", {"": 0.7, "3": 0.3}, *"45"]
    decoded = read(looks)
    assert decoded.number == "京A12345"
    assert decoded.raw_confidence < 0.35


def test_color_speaks_for_the_longer_number() -> None:
    looks: list[Look] = ["京", "A", "D", "1", "2", "3", "4", {"": 0.55, "5": 0.45}]
    assert read(looks, Color.GREEN).number == "京AD12345"
    assert read(looks, Color.BLUE).number == "京AD1234"


def test_flicker_inside_one_character_is_one_character() -> None:
    result = steps(list("京A12345"), width=3)
    first = 3 + 6 * 5  # the first step of the 5
    result[first] = 1e-6
    result[first, 1 + ALPHABET.index("6")] = 0.55
    result[first, 1 + ALPHABET.index("5")] = 0.44
    seen = replace(recognition([]), steps=result)
    assert greedy_number(find_segments(result)) == "京A123465"
    decoded = decode(seen)
    assert decoded is not None
    assert decoded.number == "京A12345"


def test_an_unlisted_authority_gives_way_to_a_listed_one() -> None:
    looks: list[Look] = [{"宁": 0.6, "鲁": 0.38}, "V", *"12345"]
    assert read(looks).number == "鲁V12345"


def test_an_unlisted_authority_stays_when_the_picture_is_sure() -> None:
    assert read(list("宁X12345")).number == "宁X12345"


def test_a_picture_without_a_plate() -> None:
    assert decode(recognition([])) is None
    assert decode(recognition(list("12"))) is None


@pytest.mark.parametrize("text", ["20231105", "ABCDEF", "京A123", "京ABCDEFGHK"])
def test_lettering_that_is_no_plate(text: str) -> None:
    assert decode(recognition(list(text))) is None


def test_what_breaks_the_grammar_is_given_with_little_faith() -> None:
    decoded = read(list("京ABCDEF"))
    assert decoded.number == "京ABCDEF"
    assert not decoded.valid
    assert calibrated_confidence(decoded, Calibration()) == MAX_INVALID_NUMBER_CONFIDENCE


def test_what_is_of_no_known_kind_or_hardly_a_plate_has_to_be_clear() -> None:
    unknown, known = read(list("京ABCDEF")), read(list("京A12345"))
    assert is_plausible(unknown, 0.95, 0.1)
    assert not is_plausible(unknown, 0.6, 0.1)
    assert is_plausible(known, 0.6, 0.1)
    doubtful, faint = replace(known, raw_confidence=0.4), replace(known, raw_confidence=0.15)
    assert is_plausible(doubtful, 0.8, 0.1)
    assert not is_plausible(doubtful, 0.6, 0.1)
    assert is_plausible(faint, 0.95, 0.1)
    assert not is_plausible(faint, 0.8, 0.1)
    assert not is_plausible(replace(unknown, raw_confidence=0.4), 0.95, 0.1)
    assert not is_plausible(replace(known, raw_confidence=0.05), 0.95, 0.1)


def test_before_anything_is_seen_unlisted_letters_speak_against_a_number_and_no_known_kind_more_so() -> None:
    for number in ("京A12345", "使123456", "WJ沪1234T", "民航A1234", "京7123456"):
        assert prior_cost(number) == 0
    assert 0 < prior_cost("京O12345") < prior_cost("宁Z12345") < prior_cost("京A1234")


def test_calibration_is_a_line_on_the_logit() -> None:
    decoded = DecodedNumber("京A12345", 0.9, True, np.zeros((7, len(ALPHABET)), dtype=np.float32))
    assert calibrated_confidence(decoded, Calibration(1.0, 0.0)) == 90
    assert calibrated_confidence(decoded, Calibration(0.0, 0.0)) == 50
    assert calibrated_confidence(decoded, Calibration(1.0, -2.0)) < 60
    sure = DecodedNumber("京A12345", 1.0, True, decoded.character_probabilities)
    assert calibrated_confidence(sure, Calibration(5.0, 0.0)) == 100


def test_noise_never_breaks_the_decoder() -> None:
    rng = np.random.default_rng(7)
    for sharpness, _ in itertools.product((1.0, 4.0, 12.0), range(20)):
        logits = rng.normal(size=(STEPS, 1 + len(ALPHABET))).astype(np.float32) * sharpness
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        noise = replace(recognition([]), steps=powers / powers.sum(axis=1, keepdims=True))
        decoded = decode(noise)
        if decoded is not None:
            assert len(decoded.character_probabilities) == len(decoded.number)
            assert 0 <= calibrated_confidence(decoded, Calibration()) <= 100


def test_what_is_hardly_a_plate_is_hardly_believed() -> None:
    looks = [*"京A12345"]
    clear = decode(recognition(looks))
    doubted = decode(replace(recognition(looks), legible=0.1))
    assert clear is not None
    assert doubted is not None
    assert doubted.number == clear.number
    assert clear.raw_confidence > 0.9
    assert doubted.raw_confidence == 0.1
