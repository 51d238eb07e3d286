"""Random numbers for each kind of plate, more evenly distributed than real ones.

Real data has few 4s, few rare provinces and hardly any suffix. A recognizer trained on it guesses the frequent
characters. So characters are drawn almost evenly, similar ones a little more often, and every arrangement of the
standard occurs. Grammar: GA 36-2014 (5.8, table 3), GA 36-2018, NY 345.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge_lpr.errors import InputError
from edge_lpr.plates import AUTHORITIES, PROVINCES
from models.training.arrays import Rng

DIGITS = "0123456789"
SERIAL_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
ISSUING_LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
NEV_LETTERS = "DABCEFGHJK"
ARMY_FIRST = "BCEGHJKLNQSVZ"
CONFUSABLE = frozenset("0D8B2Z5S6G1Q7TUVMNHKXA4")
# percent of real serials with each arrangement (L letter, d digit); drawn by the square root, which is more even
ARRANGEMENTS = {
    "LLddd": 22.0, "Ldddd": 15.0, "LdddL": 11.0, "ddddd": 10.0, "dLddd": 7.5, "LdLdd": 7.0, "dddLd": 6.0,
    "ddLdd": 6.0, "ddddL": 5.0, "dddLL": 5.0, "dLLdd": 3.0, "LddLd": 1.0, "dLdLd": 1.0, "dLddL": 1.0,
    "ddLLd": 1.0, "ddLdL": 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class NumberSettings:
    """Shares by which numbers are drawn, 0.0-1.0."""

    province_weights: Mapping[str, float] = field(
        default_factory=dict
    )  # relative; 1.0 for a province that is not named
    listed_letter: float = 0.85  # issuing letter from the province's list; any other else
    police_organ: float = 0.015  # issuing letter O: none in 4,033 labelled plates, and easily taken for a zero
    any_arrangement: float = 0.05
    repeated: float = 0.06  # show numbers: 88888, 12345, 66

    def province_shares(self) -> NDArray[np.float64]:
        """Returns the provinces' shares: float64 (31,), in the order of ``PROVINCES``, sum 1.

        Raises InputError for weights below 0 or all 0.
        """
        weights = np.array([self.province_weights.get(name, 1.0) for name in PROVINCES], dtype=np.float64)
        if weights.min() < 0 or weights.sum() <= 0:
            raise InputError("province_weights: give weights of at least 0, one of them above 0")
        return np.asarray(weights / weights.sum())


def _flat(characters: str) -> NDArray[np.float64]:
    weights = np.array([1.25 if c in CONFUSABLE else 1.0 for c in characters])
    return np.asarray(weights / weights.sum())


_DIGIT_SHARES = _flat(DIGITS)
_LETTER_SHARES = _flat(SERIAL_LETTERS)
_NAMES = tuple(ARRANGEMENTS)
_NAME_SHARES = np.sqrt(np.array(list(ARRANGEMENTS.values())))
_NAME_SHARES /= _NAME_SHARES.sum()


class NumberSampler:
    """Draws numbers of any kind."""

    def __init__(self, settings: NumberSettings | None = None) -> None:
        self._settings = settings or NumberSettings()
        self._shares = self._settings.province_shares()

    def sample(self, kind: str, rng: Rng) -> str:
        """Draws a number of ``kind``."""
        return _GRAMMAR[kind](self, rng)

    def province(self, rng: Rng) -> str:
        """Draws a province."""
        return PROVINCES[int(rng.choice(len(PROVINCES), p=self._shares))]

    def office(self, rng: Rng) -> str:
        """Draws a province and an issuing letter."""
        province = self.province(rng)
        listed = rng.random() < self._settings.listed_letter
        if rng.random() < self._settings.police_organ:
            return province + "O"
        letters = AUTHORITIES[province] if listed else ISSUING_LETTERS
        return province + pick(rng, letters.replace("O", ""))

    def serial(self, rng: Rng, length: int) -> str:
        """Draws ``length`` digits and at most two letters, without I and O."""
        roll = rng.random()
        if roll < self._settings.repeated:
            return _show_serial(rng, length)
        if length == 5 and rng.random() > self._settings.any_arrangement:
            pattern = list(_NAMES[int(rng.choice(len(_NAMES), p=_NAME_SHARES))])
        else:
            pattern = ["d"] * length
            for place in rng.permutation(length)[: int(rng.choice(3, p=(0.2, 0.4, 0.4)))]:
                pattern[place] = "L"
        return "".join(letter(rng) if mark == "L" else digit(rng) for mark in pattern)

    def digits(self, rng: Rng, length: int) -> str:
        """Draws ``length`` digits, seldom one digit repeated."""
        if rng.random() < self._settings.repeated / 2:
            return digit(rng) * length
        return "".join(digit(rng) for _ in range(length))


def pick(rng: Rng, options: Sequence[str]) -> str:
    """Draws one of ``options``, each as likely."""
    return options[int(rng.integers(len(options)))]


def digit(rng: Rng) -> str:
    """Draws a digit; those that resemble a letter a little more often."""
    return DIGITS[int(rng.choice(10, p=_DIGIT_SHARES))]


def letter(rng: Rng) -> str:
    """Draws a letter of a serial; those that resemble another character a little more often."""
    return SERIAL_LETTERS[int(rng.choice(len(SERIAL_LETTERS), p=_LETTER_SHARES))]


def _show_serial(rng: Rng, length: int) -> str:
    style = rng.integers(4)
    if style == 0:
        return digit(rng) * length
    if style == 1:
        start = int(rng.integers(0, 10 - length + 1))
        return DIGITS[start : start + length]
    if style == 2:  # letters, then one digit repeated: AA888
        letters = int(rng.integers(1, 3))
        return letter(rng) * letters + digit(rng) * (length - letters)
    pair = [digit(rng) for _ in range((length + 1) // 2)]
    return "".join(d * 2 for d in pair)[:length]


Draw = Callable[[NumberSampler, Rng], str]


def _office_serial(length: int, suffix: str = "") -> Draw:
    return lambda s, rng: s.office(rng) + s.serial(rng, length) + (pick(rng, suffix) if suffix else "")


def _police(s: NumberSampler, rng: Rng) -> str:
    if rng.random() < 0.75:
        return s.office(rng) + (pick(rng, "ABCD") if rng.random() < 0.3 else digit(rng)) + s.digits(rng, 3) + "警"
    return s.office(rng) + s.serial(rng, 4) + "警"


def _embassy(s: NumberSampler, rng: Rng) -> str:
    digits = s.digits(rng, 6)
    return "使" + digits if rng.random() < 0.7 else digits + "使"


def _embassy_double(s: NumberSampler, rng: Rng) -> str:
    return "使" + s.serial(rng, 5)


def _consulate(s: NumberSampler, rng: Rng) -> str:
    if rng.random() < 0.2:  # since 2017, unconfirmed: a country in digits, then two characters
        tail = "".join(letter(rng) if rng.random() < 0.3 else digit(rng) for _ in range(2))
        return s.province(rng) + s.digits(rng, 3) + tail + "领"
    return _consulate_old(s, rng)


def _consulate_old(s: NumberSampler, rng: Rng) -> str:
    return s.office(rng) + (s.digits(rng, 4) if rng.random() < 0.5 else s.serial(rng, 4)) + "领"


def _hong_kong_macau(s: NumberSampler, rng: Rng) -> str:
    return "粤Z" + s.serial(rng, 4) + ("港" if rng.random() < 0.6 else "澳")


def _tractor(s: NumberSampler, rng: Rng) -> str:
    head = s.province(rng) + s.digits(rng, 2)
    return head + (s.digits(rng, 5) if rng.random() < 0.75 else s.digits(rng, 4) + "学")


def _tractor_temporary(s: NumberSampler, rng: Rng) -> str:
    return s.province(rng) + s.digits(rng, 2) + s.digits(rng, 4) + "临"


def _temporary(s: NumberSampler, rng: Rng) -> str:
    if rng.random() < 0.6:
        return s.office(rng) + s.serial(rng, 5)
    return s.office(rng) + s.serial(rng, 4) + pick(rng, "试超临")


def _nev_letter(rng: Rng) -> str:
    return pick(rng, "DF") if rng.random() < 0.5 else pick(rng, NEV_LETTERS)


def _nev_small(s: NumberSampler, rng: Rng) -> str:
    second = letter(rng) if rng.random() < 0.35 else digit(rng)
    return s.office(rng) + _nev_letter(rng) + second + s.digits(rng, 4)


def _nev_large(s: NumberSampler, rng: Rng) -> str:
    last = pick(rng, "DF") if rng.random() < 0.8 else pick(rng, NEV_LETTERS)
    return s.office(rng) + s.digits(rng, 5) + last


def _emergency(s: NumberSampler, rng: Rng) -> str:
    ministry = rng.random() < 0.15
    middle = s.digits(rng, 5) if ministry else pick(rng, "XS") + s.digits(rng, 4)
    return s.province(rng) + middle + "应急"


def _emergency_double(s: NumberSampler, rng: Rng) -> str:
    return "应急" + s.province(rng) + s.digits(rng, 3) + pick(rng, "XS")


def _wj(s: NumberSampler, rng: Rng) -> str:
    last = pick(rng, "TDSHBXJ") if rng.random() < 0.6 else digit(rng)
    province = "" if rng.random() < 0.12 else s.province(rng)
    return "WJ" + province + s.digits(rng, 4) + last


def _wj_letter(s: NumberSampler, rng: Rng) -> str:
    return "WJ" + letter(rng) + s.digits(rng, 5)


def _wj_old(s: NumberSampler, rng: Rng) -> str:
    place = letter(rng) if rng.random() < 0.4 else digit(rng)
    return "WJ" + s.digits(rng, 2) + place + s.digits(rng, 4)


def _army(s: NumberSampler, rng: Rng) -> str:
    return pick(rng, ARMY_FIRST) + letter(rng) + s.digits(rng, 5)


def _airport(s: NumberSampler, rng: Rng) -> str:
    return "民航" + (letter(rng) if rng.random() < 0.7 else digit(rng)) + s.digits(rng, 4)


def _painted(s: NumberSampler, rng: Rng) -> str:
    """Draws the number of the vehicle's plate: a lorry or trailer, seldom a large electric vehicle or a tractor."""
    roll = rng.random()
    if roll < 0.05:
        return _nev_large(s, rng)
    if roll < 0.1:
        return s.province(rng) + s.digits(rng, 7)
    if roll < 0.4:
        return s.office(rng) + s.serial(rng, 4) + "挂"
    return s.office(rng) + s.serial(rng, 5)


_GRAMMAR: dict[str, Draw] = {
    "blue": _office_serial(5),
    "black": _office_serial(5),
    "yellow": _office_serial(5),
    "yellow_double": _office_serial(5),
    "trailer": _office_serial(4, "挂"),
    "coach": _office_serial(4, "学"),
    "coach_double": _office_serial(4, "学"),
    "police": _police,
    "police_double": _police,
    "embassy": _embassy,
    "embassy_double": _embassy_double,
    "consulate": _consulate,
    "consulate_double": _consulate_old,
    "hong_kong_macau": _hong_kong_macau,
    "motorcycle": _office_serial(5),
    "moped": _office_serial(5),
    "low_speed": _office_serial(5),
    "tractor": _tractor,
    "tractor_temporary": _tractor_temporary,
    "temporary": _temporary,
    "temporary_entry": _office_serial(5),
    "nev_small": _nev_small,
    "nev_large": _nev_large,
    "emergency": _emergency,
    "emergency_double": _emergency_double,
    "wj": _wj,
    "wj_old": _wj_old,
    "wj_double": _wj,
    "wj_letter": _wj_letter,
    "wj_letter_double": _wj_letter,
    "army": _army,
    "army_double": _army,
    "airport": _airport,
    "airport_black": _airport,
    "other": _office_serial(5),
    "painted": _painted,
    "painted_double": _painted,
}

NUMBER_KINDS: tuple[str, ...] = tuple(_GRAMMAR)
