"""Lanes that were drawn on the page: a file in the state folder that goes before the settings file.

The page's process may not write the settings, which belong to root. The latest edit wins: the file also holds what it
replaced. If the settings file has other values by now, a person has edited it since, and the drawn lanes no longer
count.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from edge_lpr.config.document import Document, read_document
from edge_lpr.config.environment import Environment
from edge_lpr.config.error_messages import error_lines
from edge_lpr.config.settings import Settings
from edge_lpr.errors import ConfigError
from edge_lpr.host.atomic_write import write_atomically

FILE_NAME = "lanes.yaml"
LANE_SETTINGS = ("lane", "ignore", "line", "line_in")
"""The settings of ``passage`` that the page draws."""

_REPLACED, _DRAWN = "replaced", "drawn"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SavedLanes:
    """The file in the state folder ``folder``."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file's path."""
        return self.folder / FILE_NAME

    def apply(self, settings: Settings) -> Settings:
        """Returns ``settings`` with the drawn lanes, if there are any that still count.

        A file that cannot be used is logged, and ``settings`` are returned.
        """
        try:
            drawn = self._drawn(settings)
            return settings if drawn is None else with_lanes(settings, drawn)
        except ConfigError as error:
            _log.error("the lanes drawn on the page are not used: %s", "; ".join((str(error), *error.faults)))
            return settings

    def counts(self, settings: Settings) -> bool:
        """Returns whether the lanes in force are those drawn on the page. ``settings`` are those of the file."""
        with contextlib.suppress(ConfigError):
            return self._drawn(settings) is not None
        return False

    def save(self, settings: Settings, changes: Mapping[str, Any]) -> None:
        """Saves ``changes`` of ``LANE_SETTINGS``. ``settings`` are those of the settings file.

        Raises ConfigError for values that are not valid, and if the file cannot be written.
        """
        try:
            before = self._drawn(settings)
        except ConfigError:
            before = None  # a damaged file is replaced
        drawn = {**lanes_of(settings), **(before or {}), **changes}
        with_lanes(settings, drawn)
        content = yaml.safe_dump(
            {_REPLACED: lanes_of(settings), _DRAWN: drawn}, default_flow_style=None, sort_keys=False
        )
        try:
            write_atomically(self.path, content.encode(), mode=0o600)
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be written: {error.strerror}") from error

    def _drawn(self, settings: Settings) -> dict[str, Any] | None:
        """Returns the drawn values; None if there are none that count. Raises ConfigError for a damaged file."""
        if not self.path.exists():
            return None
        tree = read_document(self.path).tree
        replaced, drawn = tree.get(_REPLACED), tree.get(_DRAWN)
        if not isinstance(drawn, dict) or set(drawn) - set(LANE_SETTINGS):
            raise ConfigError(f"{self.path}: not the form in which the page saves lanes; draw them again")
        if replaced != lanes_of(settings):
            _log.info("%s: older than the lanes in the settings file, and not used", self.path)
            return None
        return drawn


def lanes_of(settings: Settings) -> dict[str, Any]:
    """Returns the values of ``LANE_SETTINGS`` as YAML reads them."""
    return {name: _listed(getattr(settings.passage, name)) for name in LANE_SETTINGS}


def with_lanes(settings: Settings, lanes: Mapping[str, Any]) -> Settings:
    """Returns ``settings`` with other ``lanes``. Raises ConfigError for lanes that are not valid."""
    sections = {name: getattr(settings, name) for name in type(settings).model_fields}
    passage = {name: getattr(settings.passage, name) for name in type(settings.passage).model_fields}
    try:
        return Settings.model_validate({**sections, "passage": {**passage, **lanes}})
    except ValidationError as error:
        tree = {"passage": dict(lanes)}
        lines = error_lines(error, Settings, Document(Path(FILE_NAME), tree, {}, ()), Environment(tree))
        raise ConfigError("the lanes are not valid", tuple(lines)) from error


def _listed(value: Any) -> Any:
    return [_listed(inner) for inner in value] if isinstance(value, tuple) else value
