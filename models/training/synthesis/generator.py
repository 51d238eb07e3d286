"""The plate generator: draws a plate of any kind, flat and seen from the front."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_lpr.errors import InputError
from edge_lpr.plates import Category, Color, category_of
from models.training.arrays import Image, Mask, Rng
from models.training.synthesis.glyphs import GlyphLibrary
from models.training.synthesis.kinds import KINDS, METAL, PAPER
from models.training.synthesis.metal import Box, Drawn, draw_metal
from models.training.synthesis.numbers import NumberSampler, NumberSettings
from models.training.synthesis.painted import draw_painted
from models.training.synthesis.paper import draw_paper
from models.training.synthesis.surfaces import Textures
from models.training.synthesis.tailgate import Tailgate, draw_tailgate
from models.training.synthesis.withdrawn import draw_withdrawn

SCALE = 1.25  # pixels per mm of plates 300 mm wide and wider
SMALL_SCALE = 1.7  # of those 220 mm wide


@dataclass(frozen=True, slots=True, eq=False)
class RenderedPlate:
    """A plate that fills its picture.

    ``image`` is uint8 (H, W, 3), BGR. ``mask`` is uint8 (H, W), 255 on the plate; None for a plate without rounded
    corners. ``boxes`` are the characters' left, top, right and bottom in pixels.
    """

    image: Image
    number: str
    color: Color
    rows: int
    kind: str
    category: Category
    mask: Mask | None
    boxes: tuple[Box, ...]

    @property
    def cut_out(self) -> Image:
        """The plate with its outline as alpha: uint8 (H, W, 4), BGRA."""
        whole = np.full(self.image.shape[:2], 255, np.uint8)
        return np.dstack([self.image, whole if self.mask is None else self.mask])


class PlateGenerator:
    """Draws plates. Glyphs and fonts are read once, by the constructor.

    ``data_dir`` is the folder of the development data. ``atlas`` is a file of glyph shapes, for machines without fonts.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        atlas: Path | None = None,
        numbers: NumberSettings | None = None,
    ) -> None:
        self.glyphs = GlyphLibrary.load(atlas) if atlas else GlyphLibrary.build(data_dir)
        self._textures = Textures()
        self.numbers = NumberSampler(numbers)

    def tailgate(self, rng: Rng) -> Tailgate:
        """Draws the rear of a lorry: its number painted across, mostly above the plate with the same number."""
        number = self.numbers.sample("painted", rng)
        plate = None
        if len(number) == 7 and rng.random() < 0.7:
            plate = self.render("trailer" if number.endswith("挂") else "yellow_double", rng, number).cut_out
        return draw_tailgate(number, plate, self.glyphs, self._textures, rng)

    def withdrawn(self, rng: Rng) -> tuple[Image, str]:
        """Draws a withdrawn plate of the army or the armed police: uint8 (H, W, 4), BGRA, and the text on it.

        The text's first character may be missing in the alphabet.
        """
        drawn, number = draw_withdrawn(self.glyphs, self._textures, SCALE, rng)
        assert drawn.mask is not None  # metal plates have rounded corners
        return np.dstack([drawn.image, drawn.mask]), number

    def render(self, kind: str, rng: Rng, number: str | None = None) -> RenderedPlate:
        """Draws one plate of ``kind``, with ``number`` or a random one. Raises InputError for an unknown kind."""
        if kind not in KINDS:
            raise InputError(f"{kind}: no such kind of plate; choose one of {', '.join(KINDS)}")
        number = number or self.numbers.sample(kind, rng)
        if kind in METAL:
            style = METAL[kind]
            scale = SMALL_SCALE if kind in _SMALL else SCALE
            drawn = draw_metal(style, number, self.glyphs, self._textures, scale, rng)
            return _rendered(drawn, number, kind, style.color)
        if kind in PAPER:
            drawn = draw_paper(kind, number, self.glyphs, self._textures, SMALL_SCALE, rng)
            return _rendered(drawn, number, kind, Color.TEMPORARY)
        drawn = draw_painted(number, 2 if kind == "painted_double" else 1, self.glyphs, self._textures, rng)
        return _rendered(drawn, number, kind, Color.PAINTED)


_SMALL = frozenset(
    {"coach_double", "police_double", "embassy_double", "emergency_double", "consulate_double", "motorcycle", "moped"}
)


def _rendered(drawn: Drawn, number: str, kind: str, color: Color) -> RenderedPlate:
    category = category_of(number, color)
    return RenderedPlate(drawn.image, number, color, drawn.rows, kind, category, drawn.mask, drawn.boxes)
