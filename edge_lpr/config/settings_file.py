"""The settings file as the running service has it: read anew, and changed in place by the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_lpr.config import document, editing
from edge_lpr.config.loading import load_settings, parse_settings
from edge_lpr.config.settings import Settings
from edge_lpr.errors import ConfigError
from edge_lpr.host.atomic_write import write_atomically


@dataclass(frozen=True)
class SettingsFile:
    """``path``, and the environment whose variables override what stands in it."""

    path: Path
    environ: Mapping[str, str]

    def load(self) -> Settings:
        """The settings as they are now. Raises ConfigError."""
        return load_settings(self.path, self.environ)

    def change(self, section: str, values: Mapping[str, Any]) -> None:
        """Set some settings of one section; comments and all else in the file stay as they are.

        The new text is checked as a whole before it takes the old one's place, in one step. Raises ConfigError when it
        is not valid, when a variable of the environment overrides a setting, and when the file cannot be written.
        """
        for name in values:
            variable = f"{document.PREFIX}{section}__{name}".upper()
            if variable in self.environ:
                raise ConfigError(f"{variable} in the environment overrides the file; take it out to set it here")
        old = document.read_text(self.path)
        new = editing.changed(old, self.path, section, values)
        parse_settings(new, self.path, self.environ)
        if new != old:
            try:
                _replace(self.path.resolve(), new)
            except OSError as error:
                raise ConfigError(
                    f"{self.path}: cannot be written: {error.strerror}; the service's user needs the right to write to"
                    f" the folder {self.path.resolve().parent}"
                ) from error


def _replace(path: Path, text: str) -> None:
    state = path.stat()
    write_atomically(path, text.encode("utf-8"), mode=state.st_mode & 0o777, group_id=state.st_gid)
