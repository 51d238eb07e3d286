"""The settings file of a running service: it is read again at a reload, and the page changes it in place."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_lpr.config.document import read_text
from edge_lpr.config.editing import edit_section
from edge_lpr.config.environment import PREFIX
from edge_lpr.config.loading import load_settings, parse_settings
from edge_lpr.config.settings import Settings
from edge_lpr.errors import ConfigError


@dataclass(frozen=True)
class SettingsFile:
    """A settings file, and the environment whose variables override its values."""

    path: Path
    environ: Mapping[str, str]

    def load(self) -> Settings:
        """Loads the current settings. Raises ConfigError."""
        return load_settings(self.path, self.environ)

    def change_settings(self, section: str, values: Mapping[str, Any]) -> None:
        """Sets some settings of one section. Comments and everything else in the file stay unchanged.

        The new text is validated first and then replaces the file in one step.

        Raises:
            ConfigError: The new text is not valid, a variable of the environment overrides one of the settings, or the
                file cannot be written.
        """
        for name in values:
            variable = f"{PREFIX}{section}__{name}".upper()
            if variable in self.environ:
                raise ConfigError(f"{variable} in the environment overrides the file; remove it to set it here")
        old = read_text(self.path)
        new = edit_section(old, self.path, section, values)
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
    """Whole or not at all, through a power cut too."""
    state = path.stat()
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with contextlib.suppress(PermissionError):  # a group that the service's user is not in
                os.fchown(file.fileno(), -1, state.st_gid)
            os.fchmod(file.fileno(), state.st_mode & 0o777)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
