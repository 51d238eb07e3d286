"""The number grammar: which numbers are valid, for which kinds and colours of plates."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_lpr.plates import (
    ALPHABET,
    AUTHORITIES,
    COLORS,
    KINDS,
    PROVINCES,
    Category,
    Color,
    category_of,
    is_known_authority,
    is_valid_number,
    matching_kinds,
    reconcile_color,
    reconcile_rows,
)

VALID = {
    "京AF0236": "small car",
    "沪A12345": "large vehicle, front",
    "粤OA1234": "moped",
    "苏E123挂": None,
    "苏E1234挂": "trailer",
    "苏EAB12学": "training vehicle",
    "豫A0001警": "police",
    "使014001": "embassy",
    "224578使": "embassy, 2017",
    "使A1234": "embassy motorcycle",
    "沪A0023领": "consulate",
    "粤Z1A23港": "Hong Kong or Macau",
    "粤Z1234澳": "Hong Kong or Macau",
    "粤A1234港": None,
    "京AD12345": "small new-energy car",
    "京AFA2345": "small new-energy car",
    "京A12345K": "large new-energy vehicle",
    "京AL12345": None,
    "京A1D2345": None,
    "黑0112345": "tractor",
    "黑011234学": "training tractor",
    "黑011234临": "tractor, temporary",
    "VA30093": "army",
    "AA30093": None,
    "WJ京1234X": "armed police",
    "WJ12345": "armed police, headquarters",
    "WJ01B1234": "armed police, 2007",
    "WJD44011": "armed police, letter",
    "WJI44011": None,
    "WJD4401": None,
    "京X1234应急": "emergency rescue",
    "京12345应急": "emergency rescue, ministry",
    "应急京123S": "emergency rescue motorcycle",
    "民航A1234": "airport",
    "京A1234试": "temporary, marked",
    "京A1234临": "temporary, marked",
    "": None,
    "京": None,
    "京A1234": None,
    "京A123456": None,
    "京I12345": None,
    "京AI1234": None,
    "京AO1234": None,
    "京a12345": None,
    "京A·12345": None,
    "ABC123": None,
    "京A12345\n": None,
}


@pytest.mark.parametrize(("number", "kind"), VALID.items())
def test_numbers_belong_to_their_kinds(number: str, kind: str | None) -> None:
    names = [found.name for found in matching_kinds(number)]
    assert is_valid_number(number) == (kind is not None)
    assert kind in names if kind else not names


@pytest.mark.parametrize("serial", ["12345", "A1234", "AB123", "1A234", "12A34", "123A4", "1234A", "A123B", "123AB"])
def test_serials_with_at_most_two_letters(serial: str) -> None:
    assert is_valid_number("京A" + serial)


@pytest.mark.parametrize("serial", ["ABC12", "A1B2C", "12ABC", "ABCDE"])
def test_serials_with_three_letters_are_invalid(serial: str) -> None:
    assert not is_valid_number("京A" + serial)


def test_every_kind_has_a_regex_in_the_alphabet() -> None:
    for kind in KINDS:
        assert re.compile(kind.regex)
        assert set(kind.rows) <= {1, 2}
        assert all(color in COLORS for color in kind.colors)
        assert all(character in ALPHABET for character in kind.regex if not character.isascii())


def test_real_numbers_are_valid(shared_data: Path) -> None:
    numbers = set()
    for path in sorted((shared_data / "crops").glob("*.json")):
        numbers |= {label["number"] for label in json.loads(path.read_text(encoding="utf-8")).values()}
    invalid = sorted(number for number in numbers if not is_valid_number(number))
    assert len(numbers) > 1000
    assert len(invalid) <= 1, invalid


def probabilities(**shares: float) -> NDArray[np.float32]:
    rest = (1 - sum(shares.values())) / (len(COLORS) - len(shares))
    return np.array([shares.get(color.name.lower(), rest) for color in COLORS], dtype=np.float32)


def test_a_color_that_does_not_fit_the_number_is_replaced() -> None:
    assert reconcile_color("京AD12345", probabilities(blue=0.6, green=0.3)) is Color.GREEN
    assert reconcile_color("京A12345D", probabilities(green=0.7, yellow_green=0.2)) is Color.YELLOW_GREEN
    assert reconcile_color("京A12345", probabilities(green=0.5, blue=0.4)) is Color.BLUE
    assert reconcile_color("京A1234挂", probabilities(white=0.5, painted=0.4)) is Color.PAINTED


def test_plates_of_one_number_differ_in_color() -> None:
    assert reconcile_color("粤B55555", probabilities(black=0.6, blue=0.1)) is Color.BLACK
    assert reconcile_color("京V02633", probabilities(green=0.8, white=0.15)) is Color.WHITE
    assert reconcile_color("粤V02633", probabilities(white=0.6, blue=0.2)) is Color.BLUE
    assert reconcile_color("WJD44011", probabilities(painted=0.6, white=0.2)) is Color.WHITE


def test_a_certain_color_stays() -> None:
    assert reconcile_color("京AD12345", probabilities(blue=0.999)) is Color.BLUE


def test_an_unknown_number_keeps_its_color() -> None:
    assert reconcile_color("ABC123", probabilities(white=0.5, black=0.4)) is Color.WHITE


def test_probabilities_of_another_length_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="shape"):
        reconcile_color("京A12345", np.ones(3, dtype=np.float32))


def test_rows_agree_with_number_and_color() -> None:
    likely_two = np.array([0.3, 0.7], dtype=np.float32)
    assert reconcile_rows("京AD12345", Color.GREEN, likely_two) == 1
    assert reconcile_rows("京A12345", Color.YELLOW, likely_two) == 2
    assert reconcile_rows("京A1234挂", Color.YELLOW, 1 - likely_two) == 2
    assert reconcile_rows("ABC123", Color.WHITE, likely_two) == 2


@pytest.mark.parametrize(
    ("number", "color", "category"),
    [
        ("京A12345", Color.BLUE, Category.STANDARD),
        ("京A12345", Color.YELLOW, Category.STANDARD),
        ("京A12345", Color.TEMPORARY, Category.TEMPORARY),
        ("京A12345", Color.PAINTED, Category.PAINTED),
        ("京A12345", Color.GREEN, Category.NON_STANDARD),
        ("京A12345", Color.OTHER, Category.NON_STANDARD),
        ("京AD12345", Color.GREEN, Category.STANDARD),
        ("VA30093", Color.WHITE, Category.STANDARD),
        ("WJD44011", Color.WHITE, Category.STANDARD),
        ("粤B55555", Color.BLACK, Category.STANDARD),
        ("京V02633", Color.WHITE, Category.NON_STANDARD),
        ("京X1234应急", Color.WHITE, Category.STANDARD),
        ("民航A1234", Color.GREEN, Category.NON_STANDARD),
        ("ABC123", Color.BLUE, Category.NON_STANDARD),
    ],
)
def test_category_agrees_with_number_and_color(number: str, color: Color, category: Category) -> None:
    assert category_of(number, color) is category


def test_authorities_cover_every_province() -> None:
    assert "".join(AUTHORITIES) == PROVINCES
    assert is_known_authority("京", "A")
    assert not is_known_authority("宁", "X")
    assert not is_known_authority("A", "A")
