"""The settings file of a running service, with the lanes that were drawn on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_lpr.config.environment import PREFIX
from edge_lpr.config.loading import load_settings
from edge_lpr.config.saved_lanes import SavedLanes
from edge_lpr.config.settings import Settings
from edge_lpr.errors import ConfigError


@dataclass(frozen=True)
class SettingsFile:
    """A settings file, and the environment whose variables override its values."""

    path: Path
    environ: Mapping[str, str]

    def load(self) -> Settings:
        """Loads the current settings. Raises ConfigError."""
        settings = load_settings(self.path, self.environ)
        return SavedLanes(settings.device.state_dir).apply(settings)

    def save_lanes(self, changes: Mapping[str, Any]) -> None:
        """Saves changes of ``saved_lanes.LANE_SETTINGS`` in the state folder; the settings file stays as it is.

        Raises ConfigError: a change is not valid, a variable of the environment overrides it, the settings file cannot
        be loaded, or the state folder cannot be written.
        """
        for name in changes:
            variable = f"{PREFIX}PASSAGE__{name}".upper()
            if variable in self.environ:
                raise ConfigError(f"{variable} in the environment overrides it; remove it to draw it here")
        settings = load_settings(self.path, self.environ)
        SavedLanes(settings.device.state_dir).save(settings, changes)
