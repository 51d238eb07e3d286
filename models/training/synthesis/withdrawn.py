"""Withdrawn plates of the army (2004 to 2013) and the armed police (2004).

They must not be read as another number. Most have a character that is on no current plate, and a recognizer that has
never seen it reads a province: 浙A02008 for 海A02008. They are trained like plates of other countries: the known
characters are a target, and the plate is not legible.
"""

from __future__ import annotations

from dataclasses import replace

from edge_lpr.plates import Color
from models.training.arrays import Rng
from models.training.synthesis import layouts
from models.training.synthesis.glyphs import WITHDRAWN, GlyphLibrary
from models.training.synthesis.kinds import KindStyle
from models.training.synthesis.layouts import Separator, Slot
from models.training.synthesis.metal import Drawn, draw_metal
from models.training.synthesis.numbers import digit, letter, pick
from models.training.synthesis.surfaces import Textures

BEIJING = 0.12
"""Share of army plates of the Beijing region. Their first character is 京, so that they are legible."""
_DASHED = replace(layouts.CAR, separators=(Separator("dash", 134.5, 70, 16, 10),))
_POLICE = replace(
    layouts.CAR,
    slots=(
        *(Slot(x, 25, 40, 90, "140") for x in (15, 59, 105, 150)),
        Slot(213, 25, 34, 90, "140"),
        *(Slot(x, 25, 42, 90, "140") for x in (252, 298, 344, 390)),
    ),
    separators=(Separator("dash", 202, 70, 12, 8),),
)


def draw_withdrawn(glyphs: GlyphLibrary, textures: Textures, scale: float, rng: Rng) -> tuple[Drawn, str]:
    """Draws a plate at ``scale`` pixels per mm. Returns it and its text.

    The first character may be missing in the alphabet.
    """
    if rng.random() < 0.15:
        number = "WJ" + digit(rng) + digit(rng) + "警" + "".join(digit(rng) for _ in range(4))
        red, layout = frozenset({0, 1, 4}), _POLICE
    else:
        first = "京" if rng.random() < BEIJING else pick(rng, WITHDRAWN)
        number = first + letter(rng) + "".join(digit(rng) for _ in range(5))
        red = frozenset({0} if rng.random() < 0.6 else {0, 1})
        layout = layouts.CAR if rng.random() < 0.6 else _DASHED
    style = KindStyle(Color.WHITE, "white", "black", "black", lambda number, rng: layout, lambda number, rng: red)
    return draw_metal(style, number, glyphs, textures, scale, rng), number
