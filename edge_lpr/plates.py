"""Chinese number plates: alphabet, colours, categories and the grammar of plate numbers.

Sources: GA 36-2014 and GA 36-2018 (public security standard for number plates), NY 345.1 (tractors).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
DIGITS = "0123456789"
LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"  # without I; O occurs only as the issuing letter
SUFFIXES = "警学挂港澳使领试超临"
WORD_CHARACTERS = "应急民航"

ALPHABET = PROVINCES + DIGITS + LETTERS + SUFFIXES + WORD_CHARACTERS
"""All characters of plates, in the order of the recognizer's classes. The CTC blank is not part of it."""


class Color(StrEnum):
    """Colour of a plate: ``Color`` of the API."""

    WHITE = "白"
    BLACK = "黑"
    BLUE = "蓝"
    GREEN = "绿"
    YELLOW = "黄"
    YELLOW_GREEN = "黄绿"
    TEMPORARY = "临牌"
    PAINTED = "喷漆"
    OTHER = "其它"


COLORS: tuple[Color, ...] = tuple(Color)
"""The colours in the order of the recognizer's classes."""


class Category(StrEnum):
    """Category of a plate: ``LicensePlateCategory`` of the API."""

    STANDARD = "标准实体车牌"
    NON_STANDARD = "非标准实体车牌"
    TEMPORARY = "临牌"
    PAINTED = "喷漆车牌"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of plate.

    Attributes:
        name: Name for people.
        pattern: One token for each character of the number. A token is a lower-case key of ``CLASSES``, or the
            characters that are allowed in this place.
        colors: Colours in which the kind is made.
        rows: Row counts with which the kind is made.
        category: The API's category of the kind.
    """

    name: str
    pattern: tuple[str, ...]
    colors: tuple[Color, ...]
    rows: tuple[int, ...]
    category: Category = Category.STANDARD

    @property
    def regex(self) -> str:
        """Python regular expression for a whole number of this kind."""
        return _regex(self.pattern)

    def matches(self, number: str) -> bool:
        """Returns whether ``number`` is a number of this kind."""
        return _compiled(self.pattern).fullmatch(number) is not None


def _kind(
    name: str,
    pattern: str,
    colors: tuple[Color, ...],
    rows: tuple[int, ...],
    category: Category = Category.STANDARD,
) -> Kind:
    return Kind(name, tuple(pattern.split()), colors, rows, category)


_SERIAL = DIGITS + LETTERS.replace("O", "")

CLASSES: Mapping[str, str] = {
    "p": PROVINCES,
    "a": LETTERS,
    "s": _SERIAL,  # place of a serial; at most MAX_SERIAL_LETTERS of the "s" places of a number are letters
    "c": _SERIAL,  # the same characters without that limit
    "d": DIGITS,
    "l": LETTERS.replace("O", ""),
    "w": DIGITS + LETTERS,
    "n": "DABCEFGHJK",  # new energy: D A B C E are pure electric, F G H J K are not (GA 36-2018)
}
"""Character classes of the patterns, by token."""

MAX_SERIAL_LETTERS = 2
"""Most letters in a serial. GA 36-2014 table 3 allows 16 arrangements of five places and 11 of four; these are exactly
those with at most two letters."""

AUTHORITIES: Mapping[str, str] = {
    "京": "ABCDEFGHJKLMNOPQRSTUVWXYZ",
    "津": "ABCDEFGHJKLMNOPQRSTUVWXYZ",
    "冀": "ABCDEFGHJORT",
    "晋": "ABCDEFHJKLMO",
    "蒙": "ABCDEFGHJKLMO",
    "辽": "ABCDEFGHJKLMNOP",
    "吉": "ABCDEFGHJKO",
    "黑": "ABCDEFGHJKLMNOPR",
    "沪": "ABCDEFGHJKLMNOPQRSTUVWXYZ",
    "苏": "ABCDEFGHJKLMNOU",
    "浙": "ABCDEFGHJKLO",
    "皖": "ABCDEFGHJKLMNOPQRS",
    "闽": "ABCDEFGHJKO",
    "赣": "ABCDEFGHJKLMO",
    "鲁": "ABCDEFGHJKLMNOPQRSUVY",
    "豫": "ABCDEFGHJKLMNOPQRSUV",
    "鄂": "ABCDEFGHJKLMNOPQRSW",
    "湘": "ABCDEFGHJKLMNOSU",
    "粤": "ABCDEFGHJKLMNOPQRSTUVWXYZ",
    "桂": "ABCDEFGHJKLMNOPR",
    "琼": "ABCDEFO",
    "渝": "ABCDEFGHJKLMNOPQRSTUVWXYZ",
    "川": "ABCDEFGHJKLMOQRSTUVWXYZ",
    "贵": "ABCDEFGHJO",
    "云": "ACDEFGHJKLMNOPQRS",
    "藏": "ABCDEFGO",
    "陕": "ABCDEFGHJKOUV",
    "甘": "ABCDEFGHJKLMNOP",
    "青": "ABCDEFGHO",
    "宁": "ABCDEO",
    "新": "ABCDEFGHJKLMNOPQR",
}
"""Issuing letters of each province: those of GA 36-2014 appendix A.1 with O for each province, those of GA 36-2018, and
those seen on the road since then."""

KINDS: tuple[Kind, ...] = (
    # GA 36-2014 table 1
    _kind("small car", "p a s s s s s", (Color.BLUE,), (1,)),
    _kind("large vehicle, front", "p a s s s s s", (Color.YELLOW,), (1,)),
    _kind("large vehicle, rear", "p a s s s s s", (Color.YELLOW,), (2,)),
    _kind("motorcycle or low-speed vehicle", "p a s s s s s", (Color.YELLOW,), (2,)),
    _kind("moped", "p a s s s s s", (Color.BLUE,), (2,)),
    _kind("trailer", "p a s s s s 挂", (Color.YELLOW,), (2,)),
    _kind("training vehicle", "p a s s s s 学", (Color.YELLOW,), (1, 2)),
    _kind("police", "p a s s s s 警", (Color.WHITE,), (1, 2)),
    _kind("embassy", "使 d d d d d d", (Color.BLACK,), (1,)),
    _kind("embassy, 2017", "d d d d d d 使", (Color.BLACK,), (1,)),
    _kind("embassy motorcycle", "使 c c c c c", (Color.BLACK,), (2,)),
    _kind("consulate", "p a s s s s 领", (Color.BLACK,), (1, 2)),
    _kind("consulate, 2017", "p d d d c c 领", (Color.BLACK,), (1,)),
    _kind("Hong Kong or Macau", "粤 Z s s s s 港澳", (Color.BLACK,), (1,)),
    # GA 36-2018
    _kind("small new-energy car", "p a n c d d d d", (Color.GREEN,), (1,)),
    _kind("large new-energy vehicle", "p a d d d d d n", (Color.YELLOW_GREEN,), (1,)),
    # NY 345.1
    _kind("tractor", "p d d d d d d d", (Color.GREEN,), (2,)),
    _kind("training tractor", "p d d d d d d 学", (Color.GREEN,), (2,)),
    _kind("tractor, temporary", "p d d d d d d 临", (Color.WHITE,), (2,)),
    # other plates that the state issues for public roads
    _kind("army", "BCEGHJKLNQSVZ l d d d d d", (Color.WHITE,), (1, 2)),
    _kind("armed police", "W J p d d d d 0123456789TDSHBXJ", (Color.WHITE,), (1, 2)),
    _kind("armed police, headquarters", "W J d d d d 0123456789TDSHBXJ", (Color.WHITE,), (1, 2)),
    _kind("armed police, 2007", "W J d d c d d d d", (Color.WHITE,), (1,)),
    _kind("emergency rescue", "p XS d d d d 应 急", (Color.WHITE,), (1,)),
    _kind("emergency rescue, ministry", "p d d d d d 应 急", (Color.WHITE,), (1,)),
    _kind("emergency rescue motorcycle", "应 急 p d d d XS", (Color.WHITE,), (1, 2)),
    # vehicles that stay inside an airport
    _kind("airport", "民 航 w d d d d", (Color.GREEN, Color.BLACK), (1,), Category.NON_STANDARD),
    # paper
    _kind("temporary", "p a s s s s s", (Color.TEMPORARY,), (1,), Category.TEMPORARY),
    _kind("temporary, marked", "p a s s s s 试超临", (Color.TEMPORARY,), (1,), Category.TEMPORARY),
    # the plate's number painted large on a truck or trailer (GA 36-2014, 12)
    _kind("painted", "p a s s s s s", (Color.PAINTED,), (1, 2), Category.PAINTED),
    _kind("painted, suffix", "p a s s s s 挂学", (Color.PAINTED,), (1, 2), Category.PAINTED),
    _kind("painted, new energy", "p a d d d d d n", (Color.PAINTED,), (1, 2), Category.PAINTED),
    _kind("painted, tractor", "p d d d d d d d", (Color.PAINTED,), (1, 2), Category.PAINTED),
)
"""All kinds of plates that the reader supports."""


@lru_cache(maxsize=64)  # called four times for each reading
def matching_kinds(number: str) -> tuple[Kind, ...]:
    """Returns the kinds with the number ``number``, in the order of ``KINDS``; empty for an invalid number.

    One number can belong to several kinds: 京A12345 can be blue, yellow, paper or painted. Colour and rows decide.
    """
    return tuple(kind for kind in KINDS if kind.matches(number))


def is_valid_number(number: str) -> bool:
    """Returns whether ``number``, written without separators, is a number of any kind."""
    return any(_compiled(pattern).fullmatch(number) for pattern in PATTERNS)


def category_of(number: str, color: Color) -> Category:
    """Returns the API's category of a plate.

    The colour alone decides for paper plates and painted numbers. 标准实体车牌 is a plate that the state issues for
    public roads (GA 36, NY 345.1, army, armed police, emergency rescue) and whose number and colour belong to one
    kind. All others are 非标准实体车牌: an airport plate, a number of no kind, a number in the wrong colour.
    """
    if color is Color.TEMPORARY:
        return Category.TEMPORARY
    if color is Color.PAINTED:
        return Category.PAINTED
    categories = {kind.category for kind in matching_kinds(number) if color in kind.colors}
    return Category.STANDARD if Category.STANDARD in categories else Category.NON_STANDARD


def reconcile_color(number: str, probabilities: NDArray[np.floating]) -> Color:
    """Returns the most likely colour that fits ``number``.

    ``probabilities`` has shape (len(COLORS),), in the order of ``COLORS``. In three cases the most likely colour is
    returned though it does not fit the number. First, the number belongs to no kind. Second, each colour that fits
    has a probability below ``COLOR_RULED_OUT``. Third, ``Color.OTHER``, which no kind has, has a probability above
    0.5. Raises ValueError for another shape.
    """
    if probabilities.shape != (len(COLORS),):
        raise ValueError(f"colour probabilities need shape ({len(COLORS)},), not {probabilities.shape}")
    ranked = sorted(COLORS, key=lambda color: -float(probabilities[COLORS.index(color)]))
    if probabilities[COLORS.index(Color.OTHER)] > 0.5:
        return Color.OTHER
    allowed = {color for kind in matching_kinds(number) for color in kind.colors}
    best = next((color for color in ranked if color in allowed), ranked[0])
    return best if probabilities[COLORS.index(best)] >= COLOR_RULED_OUT else ranked[0]


def reconcile_rows(number: str, color: Color, probabilities: NDArray[np.floating]) -> int:
    """Returns the more likely row count, 1 or 2, with which plates of this number and colour are made.

    ``probabilities`` has shape (2,): of one row and of two. If the number and colour belong to no kind, both row
    counts are possible.
    """
    allowed = {rows for kind in matching_kinds(number) if color in kind.colors for rows in kind.rows} or {1, 2}
    return max(sorted(allowed), key=lambda rows: float(probabilities[rows - 1]))


def is_known_authority(province: str, letter: str) -> bool:
    """Returns whether ``AUTHORITIES`` lists the pair. A pair that is not listed is unlikely, not impossible."""
    return letter in AUTHORITIES.get(province, "")


COLOR_RULED_OUT = 0.005
"""Below this probability a colour counts as ruled out by the picture."""

PATTERNS: tuple[tuple[str, ...], ...] = tuple(dict.fromkeys(kind.pattern for kind in KINDS))
"""The distinct patterns of ``KINDS``."""


def _regex(pattern: tuple[str, ...]) -> str:
    places = [CLASSES.get(token, token) for token in pattern]
    text = "".join(place if len(place) == 1 else f"[{place}]" for place in places)
    if "s" not in pattern:
        return text
    # A fixed number of characters stands before the serial, so a lookahead at its first place can count its letters.
    start = pattern.index("s")
    head = "".join(place if len(place) == 1 else f"[{place}]" for place in places[:start])
    return f"{head}(?!(?:[0-9]*[A-Z]){{{MAX_SERIAL_LETTERS + 1}}}){text[len(head) :]}"


@cache
def _compiled(pattern: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_regex(pattern))
