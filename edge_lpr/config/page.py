"""Settings of the section ``page``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from edge_lpr.config.types import LocalPath, Pixels, Section, Unit

MIN_TOKEN = 12
"""Characters. At five attempts per minute a random token of this length cannot be guessed."""


def as_token(value: str) -> str:
    """Returns ``value`` if it can be a token. Raises ValueError, whose text does not contain the value."""
    if len(value) < MIN_TOKEN or any(letter.isspace() or not letter.isprintable() for letter in value):
        raise ValueError(
            f"at least {MIN_TOKEN} characters without spaces, such as the output of openssl rand -hex 8;"
            " a number needs quotes"
        )
    return value


def _is_text(value: object) -> object:
    if value is not None and not isinstance(value, str):
        raise ValueError("text, or null; a number needs quotes")
    return value


def _as_token_or_none(value: str | None) -> str | None:
    return None if value is None else as_token(value)


Token = Annotated[str | None, BeforeValidator(_is_text), AfterValidator(_as_token_or_none)]


class PageSettings(Section):
    """The live page, at /page/ of the API's address and with the API's certificate.

    It does not need ``api.enabled``.
    """

    enabled: bool = False
    """true starts the page."""

    token: Token = Field(default=None, repr=False)
    """Token for the login, 12 characters or more. ``null``: no login, and only this device can open the page."""

    token_file: LocalPath | None = None
    """File that holds only the token, instead of ``token``."""

    fps: Annotated[float, Unit("pictures per second")] = Field(default=5.0, ge=0.2, le=15)
    """Highest picture rate. Without viewers no picture is encoded."""

    width: Pixels = Field(default=960, ge=160, le=3840)
    """Largest width of the live picture."""

    viewers: int = Field(default=5, ge=1, le=20)
    """Largest number of viewers at the same time. All receive the same pictures."""

    @property
    def has_token(self) -> bool:
        """Whether the page has a login. Without one only this device can open it."""
        return self.token is not None or self.token_file is not None

    @field_validator("token_file")
    @classmethod
    def _one_token(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("token") is not None:
            raise ValueError("null, because page.token is given")
        return value
