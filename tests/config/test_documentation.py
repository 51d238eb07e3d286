"""docs/settings.md and config.example.yaml: generated from the settings classes, and complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_lpr.config import PHOTO_MIN_PLATE_WIDTH, Settings
from edge_lpr.config.documentation import DOCUMENTS
from edge_lpr.config.fields import annotation_at, section_of, setting_paths

UNITS = {
    "_s": "seconds",
    "_ms": "milliseconds",
    "_days": "days",
    "_megabytes": "megabytes of 1,048,576 bytes",
    "width": "pixels",
    "height": "pixels",
    "fps": "per second",
}
"""Ends of settings' names, and the end of their unit."""


@pytest.fixture
def rows(repo_root: Path) -> dict[str, list[str]]:
    """The cells of each setting's row in docs/settings.md: allowed, unit, default, reload, meaning."""
    lines = (repo_root / "docs" / "settings.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    return {name.strip("`"): rest for name, *rest in cells}


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_the_document_is_generated(repo_root: Path, path: Path) -> None:
    assert (repo_root / path).read_text(encoding="utf-8") == DOCUMENTS[path](), (
        "run python -m edge_lpr.config.documentation"
    )


def test_every_setting_has_a_row_with_its_meaning(rows: dict[str, list[str]]) -> None:
    plain = [path for path in setting_paths(Settings) if section_of(annotation_at(Settings, path)) is None]
    assert set(rows) == {".".join(path) for path in plain} | {"mqtt.tls"}
    for name, (allowed, _, default, reload, meaning) in rows.items():
        assert allowed and default and reload in ("yes", "no"), name
        assert meaning.endswith((".", "`")), name


def test_units_agree_with_names(rows: dict[str, list[str]]) -> None:
    for name, (_, unit, *_) in rows.items():
        for end, wanted in UNITS.items():
            assert not name.endswith(end) or unit.endswith(wanted), name


def test_settings_that_a_reload_applies_are_marked(rows: dict[str, list[str]]) -> None:
    assert rows["passage.lane"][3] == rows["log.level"][3] == "yes"
    assert rows["camera.fps"][3] == rows["reader.min_plate_width"][3] == "no"


def test_the_width_for_photos_is_named(rows: dict[str, list[str]]) -> None:
    assert f" {PHOTO_MIN_PLATE_WIDTH} pixels" in rows["reader.min_plate_width"][4]
