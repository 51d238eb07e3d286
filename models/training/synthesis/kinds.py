"""The style of each kind of plate: its colours, its layouts and its red characters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge_lpr.plates import PROVINCES, Color
from models.training.arrays import Rng
from models.training.synthesis import layouts
from models.training.synthesis.layouts import Layout

PickLayout = Callable[[str, Rng], Layout]
RedCharacters = Callable[[str, Rng], frozenset[int]]


@dataclass(frozen=True, slots=True)
class KindStyle:
    """The style of one kind.

    ``ground``, ``ink`` and ``frame`` name palettes. ``red`` returns the indices of the red characters of a number.
    """

    color: Color
    ground: str
    ink: str
    frame: str
    layout: PickLayout
    red: RedCharacters


def _always(layout: Layout) -> PickLayout:
    return lambda number, rng: layout


def _one_of(*options: tuple[Layout, float]) -> PickLayout:
    shares = np.array([share for _, share in options])
    return lambda number, rng: options[int(rng.choice(len(options), p=shares / shares.sum()))][0]


def _embassy_layout(number: str, rng: Rng) -> Layout:
    return layouts.EMBASSY if number.startswith("使") else layouts.EMBASSY_SUFFIX


def _wj_layout(number: str, rng: Rng) -> Layout:
    if number[2] not in PROVINCES:
        return layouts.WJ_HEADQUARTERS
    return layouts.WJ if rng.random() < 0.6 else layouts.WJ_SMALL_PROVINCE


def _wj_double_layout(number: str, rng: Rng) -> Layout:
    return layouts.WJ_REAR if number[2] in PROVINCES else layouts.WJ_REAR_HEADQUARTERS


def _none(number: str, rng: Rng) -> frozenset[int]:
    return frozenset()


def _suffix(characters: str, share: float) -> RedCharacters:
    """Returns a function that colours ``characters`` red in ``share`` of the plates."""

    def places(number: str, rng: Rng) -> frozenset[int]:
        if rng.random() >= share:
            return frozenset()
        return frozenset(i for i, character in enumerate(number) if character in characters)

    return places


def _wj_red(number: str, rng: Rng) -> frozenset[int]:
    places = {0, 1} | ({2} if number[2] in PROVINCES else set())
    if not number[-1].isdigit() and rng.random() < 0.35:
        places.add(len(number) - 1)
    return frozenset(places)


def _wj_letter_red(number: str, rng: Rng) -> frozenset[int]:
    return frozenset({0, 1, 2} if rng.random() < 0.5 else {0, 1})


def _army_red(number: str, rng: Rng) -> frozenset[int]:
    return frozenset({0, 1} if rng.random() < 0.65 else {0})


_POLICE = _one_of((layouts.POLICE_FRONT, 0.5), (layouts.POLICE_REAR, 0.4), (layouts.CAR, 0.1))
_EMERGENCY = _one_of((layouts.EMERGENCY, 0.75), (layouts.EMERGENCY_STACKED, 0.25))
_RED_EMERGENCY = _suffix("应急", 1.0)


def _yellow(layout: Layout) -> KindStyle:
    return KindStyle(Color.YELLOW, "yellow", "black", "black", _always(layout), _none)


def _black(layout: PickLayout, red: RedCharacters = _none) -> KindStyle:
    return KindStyle(Color.BLACK, "black", "white", "white", layout, red)


def _white(layout: PickLayout, red: RedCharacters) -> KindStyle:
    return KindStyle(Color.WHITE, "white", "black", "black", layout, red)


def _nev(color: Color, ground: str) -> KindStyle:
    return KindStyle(color, ground, "black", "black", _always(layouts.NEV), _none)


METAL: dict[str, KindStyle] = {
    "blue": KindStyle(Color.BLUE, "blue", "white", "white", _always(layouts.CAR), _none),
    "yellow": _yellow(layouts.CAR),
    "yellow_double": _yellow(layouts.REAR),
    "trailer": _yellow(layouts.REAR),
    "coach": _yellow(layouts.CAR),
    "coach_double": _yellow(layouts.SMALL),
    "police": _white(_POLICE, _suffix("警", 1.0)),
    "police_double": _white(_always(layouts.SMALL_POLICE), _suffix("警", 1.0)),
    "embassy": _black(_embassy_layout, _suffix("使", 0.55)),
    "embassy_double": _black(_always(layouts.SMALL_EMBASSY), _suffix("使", 0.55)),
    "consulate": _black(_always(layouts.CAR), _suffix("领", 0.55)),
    "consulate_double": _black(_always(layouts.SMALL), _suffix("领", 0.55)),
    "hong_kong_macau": _black(_always(layouts.CAR)),
    "motorcycle": _yellow(layouts.SMALL),
    "moped": KindStyle(Color.BLUE, "blue", "white", "white", _always(layouts.SMALL), _none),
    "low_speed": _yellow(layouts.LOW_SPEED),
    "tractor": KindStyle(Color.GREEN, "tractor", "white", "white", _always(layouts.TRACTOR), _none),
    "tractor_temporary": _white(_always(layouts.TRACTOR), _none),
    "nev_small": _nev(Color.GREEN, "nev_small"),
    "nev_large": _nev(Color.YELLOW_GREEN, "nev_large"),
    "emergency": _white(_EMERGENCY, _RED_EMERGENCY),
    "emergency_double": _white(_always(layouts.SMALL_EMERGENCY), _RED_EMERGENCY),
    "wj": _white(_wj_layout, _wj_red),
    "wj_old": _white(_always(layouts.WJ_OLD), _suffix("WJ", 1.0)),
    "wj_double": _white(_wj_double_layout, _wj_red),
    "army": _white(_always(layouts.CAR), _army_red),
    "army_double": _white(_always(layouts.REAR), _army_red),
    "airport": KindStyle(Color.GREEN, "airport", "white", "white", _always(layouts.CAR), _none),
    "airport_black": _black(_always(layouts.CAR)),
    "black": _black(_always(layouts.CAR)),
    "wj_letter": _white(_one_of((layouts.WJ_LETTER, 0.75), (layouts.WJ_LETTER_SHIELD, 0.25)), _wj_letter_red),
    "wj_letter_double": _white(_always(layouts.WJ_REAR), _wj_letter_red),
    "other": KindStyle(Color.OTHER, "other", "white", "white", _always(layouts.CAR), _none),
}
"""Pressed metal plates. Paper and painted ones are drawn by modules of their own."""

PAPER = ("temporary", "temporary_entry")
PAINTED = ("painted", "painted_double")
KINDS: tuple[str, ...] = (*METAL, *PAPER, *PAINTED)
