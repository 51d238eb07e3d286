"""Settings of the page that an installer and an operator look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from edge_lpr.config.types import LocalPath, Section

MIN_TOKEN = 12
"""Characters; at five guesses a minute, nobody guesses what was drawn by lot."""


def as_token(value: str) -> str:
    """``value`` where it may be a token. Raises ValueError, without showing it."""
    if len(value) < MIN_TOKEN or any(letter.isspace() or not letter.isprintable() for letter in value):
        raise ValueError(
            f"at least {MIN_TOKEN} characters without spaces, such as openssl rand -hex 8 draws by lot;"
            " in quotes where it is a number"
        )
    return value


def _is_text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("text, in quotes where it is a number; or null")
    return value


def _as_token_or_none(value: str | None) -> str | None:
    return None if value is None else as_token(value)


Token = Annotated[str | None, BeforeValidator(_is_text), AfterValidator(_as_token_or_none)]


class PageSettings(Section):
    """The live page. ``fps`` in pictures a second, ``width`` in pixels, ``viewers`` at once."""

    enabled: bool = False
    token: Token = Field(default=None, repr=False)
    token_file: LocalPath | None = None
    fps: float = Field(default=5.0, ge=0.2, le=15)
    width: int = Field(default=960, ge=160, le=3840)
    viewers: int = Field(default=5, ge=1, le=20)

    @property
    def has_token(self) -> bool:
        """Whether people log in. Without a token the page is for this device alone."""
        return self.token is not None or self.token_file is not None

    @field_validator("token_file")
    @classmethod
    def _one_token(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("token") is not None:
            raise ValueError("null, as page.token is given; one of the two")
        return value
