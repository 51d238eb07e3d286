"""The CJK fonts for rendered plates, signs and pictures without plates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import ImageFont

from edge_lpr.errors import InputError

_DEBIAN = Path("/usr/share/fonts")


@dataclass(frozen=True, slots=True)
class Font:
    """A font of a Debian ``package``; ``path`` is below /usr/share/fonts, ``index`` the face in a collection."""

    path: str
    package: str
    index: int = 0


_NOTO = "fonts-noto-cjk"
NOTO_SANS_BOLD = Font("opentype/noto/NotoSansCJK-Bold.ttc", _NOTO, 2)  # simplified Chinese
NOTO_SANS_BOLD_JAPANESE = Font("opentype/noto/NotoSansCJK-Bold.ttc", _NOTO)
NOTO_SANS_REGULAR_JAPANESE = Font("opentype/noto/NotoSansCJK-Regular.ttc", _NOTO)
NOTO_SERIF_BOLD_JAPANESE = Font("opentype/noto/NotoSerifCJK-Bold.ttc", _NOTO)
WQY_ZEN_HEI = Font("truetype/wqy/wqy-zenhei.ttc", "fonts-wqy-zenhei")


def find(font: Font, size: int, folder: Path | None = None) -> ImageFont.FreeTypeFont | None:
    """Opens ``font`` at ``size`` pixels; None where it is not installed.

    It is searched in ``folder``, in Debian's place, then by its name in the system's font folders.
    """
    debian = _DEBIAN / font.path
    places = [] if folder is None else [str(folder / debian.name)]
    for place in (*places, str(debian), debian.name):
        try:
            return ImageFont.truetype(place, size, index=font.index)
        except OSError:
            continue  # not in this place
    return None


def required(font: Font, size: int, folder: Path | None = None) -> ImageFont.FreeTypeFont:
    """Opens ``font`` as ``find`` does. Raises InputError where it is not installed."""
    found = find(font, size, folder)
    if found is None:
        raise InputError(f"{Path(font.path).name}: font not installed; on Debian: apt install {font.package}")
    return found
