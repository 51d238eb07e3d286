"""Loads a settings file and the environment as ``Settings``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from edge_lpr.config.document import parse_document, read_text
from edge_lpr.config.environment import apply_environment
from edge_lpr.config.error_messages import config_error, error_lines
from edge_lpr.config.settings import Settings
from edge_lpr.config.types import FOLDER


def load_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Loads the settings file ``path``; ``EDGE_LPR__SECTION__NAME`` variables of ``environ`` override its values.

    Relative paths start from the file's folder, also those from the environment. Raises ConfigError; its ``faults``
    hold one line for each error in the file and in the environment.
    """
    return parse_settings(read_text(path), path, environ)


def parse_settings(text: str, path: Path, environ: Mapping[str, str]) -> Settings:
    """Does the same for ``text`` as the content of ``path``. The file itself is not read."""
    document = parse_document(text, path)
    environment = apply_environment(document.tree, environ, Settings)
    errors = [*document.errors, *environment.errors]
    settings = None
    try:
        settings = Settings.model_validate(environment.tree, context={FOLDER: path.absolute().parent})
    except ValidationError as error:
        errors += error_lines(error, Settings, document, environment)
    if settings is None or errors:
        raise config_error(path, errors)
    return settings
