"""Settings of the section ``evidence``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, field_validator

from edge_lpr.config.types import Days, LocalPath, Megabytes, Section


def _off_as_text(value: object) -> object:
    """Returns "off" for false, as which YAML reads ``off``."""
    return "off" if value is False else value


class EvidenceSettings(Section):
    """Pictures of passages that are kept on disk. Event.Evidence names them."""

    keep: Annotated[Literal["off", "crops", "frames"], BeforeValidator(_off_as_text)] = "off"
    """off: no pictures; crops: the plate; frames: the plate and the whole frame."""

    days: Days = Field(default=7, ge=1, le=3650)
    """Pictures are deleted after this time, at most one hour later."""

    max_megabytes: Megabytes = Field(default=512, ge=1, le=10_000_000)
    """Largest size of all pictures. Above it the oldest pictures are deleted."""

    folder: LocalPath | None = None
    """Folder of the pictures. ``null``: the folder evidence in ``device.state_dir``."""

    url: str | None = None
    """http:// or https:// address at which your web server serves the folder. Messages put it before the paths."""

    @field_validator("url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("an http:// or https:// address that the folder is served at, or null")
        return value
