"""What the settings classes of every room are made of: their base, and values that more than one of them has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

FOLDER = "folder"
"""Key of the validation context: the folder that relative paths start from."""


class Section(BaseModel):
    """Frozen, and strict: a name that is not here is a fault, and so is text where a number belongs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=())


def from_folder(text: str, info: ValidationInfo) -> Path:
    """A path as the settings give it: ``~`` is the user's home, and a relative one starts from the file's folder."""
    folder = (info.context or {}).get(FOLDER)
    path = Path(os.path.expanduser(text))
    return path if folder is None else Path(folder) / path


def _as_path(value: object, info: ValidationInfo) -> object:
    return from_folder(value, info) if isinstance(value, str) and value else value


LocalPath = Annotated[Path, BeforeValidator(_as_path)]
Percent = Annotated[int, Field(ge=0, le=100)]
Fraction = Annotated[float, Field(ge=0, le=1)]
