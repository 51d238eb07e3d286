"""Settings of what is kept of people's vehicles beyond the message, and for how long."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from edge_lpr.config.types import LocalPath, Section


def _off_as_text(value: object) -> object:
    """YAML reads ``off`` as false."""
    return "off" if value is False else value


class EvidenceSettings(Section):
    """Pictures of passages on disk: which, for how many days, how many megabytes of 1,048,576 bytes."""

    keep: Annotated[Literal["off", "crops", "frames"], BeforeValidator(_off_as_text)] = "off"
    days: int = Field(default=7, ge=1, le=3650)
    max_megabytes: int = Field(default=512, ge=1, le=10_000_000)
    folder: LocalPath | None = None
    url: str | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("an http:// or https:// address that the folder is served at, or null")
        return value
