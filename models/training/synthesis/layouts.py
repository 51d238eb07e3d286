"""Layouts of the plates, in mm from the top-left corner.

Sources: GA 36-2014, figures F1-F17 and appendix B; NY 345.1. The 480 x 140 layout and the rows of WJ and army plates
come from several third parties that agree; WJ plates with a letter from two photos. A box is the area of a
character's ink.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Family = Literal["140", "220_up", "220_down", "green"]
Mark = Literal["dot", "dash", "logo"]


@dataclass(frozen=True, slots=True)
class Slot:
    """The box of one character."""

    x: float
    y: float
    width: float
    height: float
    family: Family


@dataclass(frozen=True, slots=True)
class Separator:
    """A dot, dash or logo, by its centre and size."""

    mark: Mark
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """One drawing of a plate."""

    width: int
    height: int
    radius: float
    frame_width: float
    frame_inset: float
    slots: tuple[Slot, ...]
    separators: tuple[Separator, ...]
    holes: tuple[tuple[float, float, float, float], ...]  # centre x, y, width, height
    rows: int


def _row(starts: tuple[float, ...], y: float, width: float, height: float, family: Family) -> tuple[Slot, ...]:
    return tuple(Slot(x, y, width, height, family) for x in starts)


def _dot(x: float, y: float, size: float) -> tuple[Separator, ...]:
    return (Separator("dot", x, y, size, size),)


_CAR_HOLES = tuple((x, y, 23.0, 8.0) for y in (12.5, 127.5) for x in (107.5, 332.5))
_REAR_HOLES = tuple((x, y, 23.0, 8.0) for y in (12.5, 207.5) for x in (92.5, 347.5))
_SMALL_HOLES = ((25.0, 12.5, 7.0, 7.0), (195.0, 12.5, 7.0, 7.0))
_LOW_HOLES = ((22.5, 12.5, 23.0, 8.0), (277.5, 12.5, 23.0, 8.0))
_NEV_HOLES = tuple((x, y, 23.0, 8.0) for y in (12.5, 127.5) for x in (127.5, 352.5))

_CAR = (15.5, 72.5, 151.5, 208.5, 265.5, 322.5, 379.5)
_EMBASSY = (15.5, 72.5, 129.5, 186.5, 265.5, 322.5, 379.5)
_POLICE = (15.5, 94.5, 151.5, 208.5, 265.5, 322.5, 379.5)


def _car(starts: tuple[float, ...], separators: tuple[Separator, ...]) -> Layout:
    return Layout(440, 140, 10, 3, 1.5, _row(starts, 25, 45, 90, "140"), separators, _CAR_HOLES, 1)


def _rear(upper: tuple[Slot, ...], separators: tuple[Separator, ...]) -> Layout:
    lower = _row((27.5, 107.5, 187.5, 267.5, 347.5), 90, 65, 110, "220_down")
    return Layout(440, 220, 10, 3, 1.5, upper + lower, separators, _REAR_HOLES, 2)


def _small(upper: tuple[Slot, ...], separators: tuple[Separator, ...]) -> Layout:
    lower = _row((15, 55, 95, 135, 175), 70, 30, 60, "140")
    return Layout(220, 140, 8, 2, 1, upper + lower, separators, _SMALL_HOLES, 2)


def _field(upper: tuple[Slot, ...], separators: tuple[Separator, ...]) -> Layout:
    lower = _row((13.5, 70.5, 127.5, 184.5, 241.5), 65, 45, 90, "140")
    return Layout(300, 165, 10, 3, 1.5, upper + lower, separators, _LOW_HOLES, 2)


CAR = _car(_CAR, _dot(134.5, 70, 10))
EMBASSY = _car(_EMBASSY, _dot(248.5, 70, 10))
# since 2017 the suffix is at the end; the dot is still between country and serial
EMBASSY_SUFFIX = _car((15.5, 72.5, 129.5, 208.5, 265.5, 322.5, 379.5), _dot(191.5, 70, 10))
POLICE_FRONT = _car(_POLICE, _dot(77.5, 70, 14))
POLICE_REAR = _car(_POLICE, (Separator("dash", 77.5, 70, 16, 10),))
REAR = _rear(_row((110, 250), 15, 80, 60, "220_up"), _dot(220, 44.5, 10))
SMALL = _small(_row((45, 125), 10, 50, 50, "220_up"), _dot(110, 35, 10))
SMALL_EMERGENCY = _small(_row((45, 125), 10, 50, 50, "220_up"), ())  # row split unconfirmed
SMALL_EMBASSY = _small(_row((75,), 10, 70, 50, "220_up"), ())
SMALL_POLICE = _small(_row((45, 125), 10, 50, 50, "220_up"), _dot(110, 35, 14))
LOW_SPEED = _field(_row((70, 175), 10, 55, 45, "220_up"), _dot(150, 32, 10))
TRACTOR = _field(_row((65,), 10, 45, 45, "220_up") + _row((160, 205), 10, 30, 45, "140"), ())
NEV = Layout(
    480, 140, 10, 3, 1.5,
    _row((15.5,), 25, 45, 90, "green") + _row((69.5, 161.5, 213.5, 265.5, 317.5, 369.5, 421.5), 25, 43, 90, "green"),
    (Separator("logo", 135, 69, 28, 28),), _NEV_HOLES, 1,
)  # fmt: skip
EMERGENCY = Layout(
    440, 140, 10, 3, 1.5,
    _row((14, 62), 25, 43, 90, "140") + _row((131, 181, 231, 281), 25, 43, 90, "140")
    + _row((332, 382), 27, 44, 86, "140"),
    _dot(118, 70, 11), _CAR_HOLES, 1,
)  # fmt: skip
EMERGENCY_STACKED = Layout(
    440, 140, 10, 3, 1.5,
    _row((15.5, 72.5), 25, 45, 90, "140") + _row((151.5, 208.5, 265.5, 322.5), 25, 45, 90, "140")
    + (Slot(380, 25, 44, 42, "220_up"), Slot(380, 73, 44, 42, "220_up")),
    _dot(134.5, 70, 10), _CAR_HOLES, 1,
)  # fmt: skip
_WJ_SERIAL = _row((165, 219, 273, 327, 381), 25, 45, 90, "140")
WJ = Layout(
    440, 140, 10, 3, 1.5,
    _row((14, 58), 25, 39, 90, "140") + _row((104,), 25, 38, 90, "140") + _WJ_SERIAL,
    _dot(153, 70, 10), _CAR_HOLES, 1,
)  # fmt: skip
WJ_SMALL_PROVINCE = Layout(
    440, 140, 10, 3, 1.5,
    (*_row((14, 60), 25, 41, 90, "140"), Slot(108, 28, 40, 52, "220_up"), *_WJ_SERIAL),
    _dot(128, 98, 10), _CAR_HOLES, 1,
)  # fmt: skip
WJ_HEADQUARTERS = _car(_CAR, _dot(134.5, 70, 11))
WJ_OLD = Layout(
    440, 140, 10, 3, 1.5,
    (*_row((12, 56), 25, 38, 90, "140"), *_row((99, 120), 30, 17, 42, "140"),
     *_row((159, 214, 269, 324, 379), 25, 45, 90, "140")),
    _dot(146, 70, 10), _CAR_HOLES, 1,
)  # fmt: skip
WJ_LETTER = Layout(
    440, 140, 10, 3, 1.5,
    _row((15, 60), 25, 40, 90, "140") + _row((130, 181, 231, 281, 331, 381), 25, 43, 90, "140"),
    _dot(115, 70, 10), _CAR_HOLES, 1,
)  # fmt: skip
WJ_LETTER_SHIELD = replace(WJ_LETTER, separators=(Separator("dot", 115, 62, 18, 24),))
WJ_REAR = _rear(_row((70, 145), 15, 65, 60, "220_up") + _row((290,), 15, 80, 60, "220_up"), _dot(249, 44.5, 14))
WJ_REAR_HEADQUARTERS = _rear(_row((110, 250), 15, 80, 60, "220_up"), _dot(220, 44.5, 14))
# paper, GA 36-2014 F13 and F9: one row without a dot
TEMPORARY = Layout(
    220, 140, 6, 2, 2, _row((11.5, 39, 72.5, 101.5, 131, 160, 189.5), 18, 23, 50, "140"), (), (), 1,
)  # fmt: skip
ENTRY = Layout(
    220, 140, 6, 2, 2, _row((11, 40, 69, 98, 127, 156, 185), 60, 24, 50, "140"), (), (), 1,
)  # fmt: skip
