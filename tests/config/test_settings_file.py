"""Lanes drawn on the page: kept in the state folder, and used until a person edits those of the settings file."""

from __future__ import annotations

import logging
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_lpr.config.settings_file import SettingsFile
from edge_lpr.errors import ConfigError

LANE = [[0.1, 0.3], [0.9, 0.3], [1, 1]]
AS_TUPLES = ((0.1, 0.3), (0.9, 0.3), (1.0, 1.0))


class Folder:
    """A folder with a settings file and the state folder ``state``."""

    def __init__(self, path: Path) -> None:
        self.config = path / "config.yaml"
        self.lanes = path / "state" / "lanes.yaml"
        self.lanes.parent.mkdir()
        self.write()

    def write(self, **passage: Any) -> None:
        self.config.write_text(yaml.safe_dump({"device": {"state_dir": "state"}, "passage": passage}))

    def file(self, environ: dict[str, str] | None = None) -> SettingsFile:
        return SettingsFile(self.config, environ or {})


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_drawn_lanes_are_used_and_the_settings_file_stays(folder: Folder) -> None:
    before = folder.config.read_bytes()
    folder.file().save_lanes({"lane": LANE})
    folder.file().save_lanes({"line": [[0, 0.6], [1, 0.6]], "line_in": "up"})
    passage = folder.file().load().passage
    assert (passage.lane, passage.line, passage.line_in) == (AS_TUPLES, ((0, 0.6), (1, 0.6)), "up")
    assert folder.config.read_bytes() == before
    assert stat.S_IMODE(folder.lanes.stat().st_mode) == 0o600


def test_an_edit_of_the_settings_file_ends_drawn_lanes(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    folder.write(repeat_after_s=5)
    folder.file().save_lanes({"lane": LANE})
    folder.write(repeat_after_s=7)  # no lane is edited
    assert folder.file().load().passage.lane == AS_TUPLES
    folder.write(line=[[0, 0.5], [1, 0.5]])
    caplog.set_level(logging.INFO)
    assert folder.file().load().passage.lane == ()
    assert "older than the lanes in the settings file" in caplog.text
    folder.file().save_lanes({"lane": LANE})
    assert folder.file().load().passage.line == ((0, 0.5), (1, 0.5))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff", b"drawn: {lane: [[0, 0]]}", b"[1]", b"{", b"replaced: {}\ndrawn: {repeat_after_s: 0}"),
        b"x: " + b"1" * 1_000_001,
    ],
)
def test_a_damaged_file_is_logged_and_the_settings_file_counts(
    folder: Folder, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write(lane=LANE)
    folder.lanes.write_bytes(content)
    caplog.set_level(logging.INFO)
    assert folder.file().load().passage.lane == AS_TUPLES
    assert "not used" in caplog.text
    folder.file().save_lanes({"lane": []})
    assert folder.file().load().passage.lane == ()


def test_values_that_no_longer_fit_are_not_used(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    folder.file().save_lanes({"line": [[0, 0.6], [1, 0.6]]})
    folder.config.write_text("device: {state_dir: state}\ncamera: {type: photos, source: .}\n")  # photos have no line
    assert folder.file().load().passage.line == ()
    assert "are not used" in caplog.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lane": [[0, 0]]}, "passage.lane: given .*; allowed: three points"),
        ({"lane": [[0, n / 100] for n in range(65)]}, "at most 64 points"),
        ({"ignore": [LANE] * 33}, "at most 32 areas"),
        ({"ignore": [[[0, n / 100] for n in range(65)]]}, "each of at most 64 points"),
        ({"lane": [[0, 0], [1, float("nan")], [1, 1]]}, "passage.lane"),
    ],
)
def test_lanes_that_are_not_valid_are_not_saved(folder: Folder, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        folder.file().save_lanes(changes)
    (line,) = caught.value.faults
    assert re.search(words, line), line
    assert not folder.lanes.exists()


def test_a_lane_that_the_environment_sets_is_not_saved(folder: Folder) -> None:
    environ = {"EDGE_LPR__PASSAGE__LANE": "[]"}
    with pytest.raises(ConfigError, match="EDGE_LPR__PASSAGE__LANE in the environment overrides it"):
        folder.file(environ).save_lanes({"lane": LANE})


def test_a_state_folder_that_cannot_be_written_is_named(folder: Folder) -> None:
    (folder.lanes.parent / ".lanes.yaml.part").mkdir()  # in the way, for root too
    with pytest.raises(ConfigError, match=r"lanes\.yaml: cannot be written: "):
        folder.file().save_lanes({"lane": LANE})


def test_a_bomb_of_aliases_is_refused_at_once(folder: Folder) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    folder.config.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="more than 200000 values"):
        folder.file().load()
