"""Any settings file gives settings or clear error lines."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings

from tests.fuzz.config_cases import environments, files, load_and_check


@settings(max_examples=200, deadline=None)
@given(content=files(), environ=environments())
def test_any_file_gives_settings_or_clear_lines(content: bytes, environ: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        load_and_check(Path(name) / "config.yaml", content, environ)
