"""Changes of settings in their file: everything else in it stays, and invalid settings are not written."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_lpr.config import load_settings
from edge_lpr.config.settings_file import SettingsFile
from edge_lpr.errors import ConfigError

LANE = [[0.1, 0.3], [0.9, 0.3], [1, 1]]
WRITTEN = "[[0.1, 0.3], [0.9, 0.3], [1, 1]]"


def change(tmp_path: Path, text: str, environ: dict[str, str] | None = None, **values: Any) -> str:
    path = tmp_path / "config.yaml"
    path.write_bytes(text.encode())
    SettingsFile(path, environ or {}).change_settings("passage", values or {"lane": LANE})
    return path.read_bytes().decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"\npassage:\n  lane: {WRITTEN}\n"),
        ("log: {level: info}  # quiet", f"log: {{level: info}}  # quiet\n\npassage:\n  lane: {WRITTEN}\n"),
        ("passage:  # mine\nlog:\n", f"passage:  # mine\n  lane: {WRITTEN}\nlog:\n"),
        ("passage:\n  # lane: []\n", f"passage:\n  lane: {WRITTEN}\n  # lane: []\n"),
        ("passage: {}  # mine\n", f"passage: {{lane: {WRITTEN}}}  # mine\n"),
        ("passage: {min_frames: 3}\n", f"passage: {{lane: {WRITTEN}, min_frames: 3}}\n"),
        ("passage:\n    lane: []   # old\n", f"passage:\n    lane: {WRITTEN}  # old\n"),
        ("passage:\n  lane: [[0, 0], [1, 0], [1, 1], [0, 1], [1, 1]] #\n", f"passage:\n  lane: {WRITTEN}{' ' * 9}#\n"),
        ("passage:\r\n  lane: []\r\n", f"passage:\r\n  lane: {WRITTEN}\r\n"),
        (
            "passage:\n  lane:  # by Li\n  - [0, 0]  # gate\n  - - 1\n    - 0\n  - [1, 1]  # wall\n  # x\n  line: []\n",
            f"passage:\n  # by Li\n  # gate\n  lane: {WRITTEN}  # wall\n  # x\n  line: []\n",
        ),
    ],
)  # fmt: skip
def test_only_the_setting_changes(tmp_path: Path, before: str, after: str) -> None:
    assert change(tmp_path, before) == after


def test_a_long_text_stays_on_its_line(tmp_path: Path) -> None:
    pattern = " | ".join(f"京A{number:05}" for number in range(20))
    assert change(tmp_path, "", pattern=pattern) == f"\npassage:\n  pattern: {pattern}\n"


def test_the_examples_comments_all_stay(repo_root: Path, tmp_path: Path) -> None:
    before = (repo_root / "config.example.yaml").read_text(encoding="utf-8")
    after = change(tmp_path, before, lane=LANE, ignore=[LANE], line=[[0, 0.6], [1, 0.6]], line_in="up")
    comments = [line.partition("#")[2] for line in before.splitlines()]
    assert [line.partition("#")[2] for line in after.splitlines()] == comments
    expected = yaml.safe_load(before)
    expected["passage"] |= {"lane": LANE, "ignore": [LANE], "line": [[0, 0.6], [1, 0.6]], "line_in": "up"}
    assert yaml.safe_load(after) == expected


@pytest.mark.parametrize(
    ("text", "values", "words"),
    [
        ("passage:\n  lane: []\n", {"lane": [[0, 0]]}, "1 fault in the settings"),
        (
            "passage:\n  lane: &a [[0, 0], [1, 0], [1, 1]]\n  ignore: [*a]\n",
            {"lane": LANE},
            "cannot be changed automatically",
        ),
        ("log: {level: loud}\n", {"lane": LANE}, "1 fault in the settings"),
    ],
)
def test_invalid_settings_are_not_written(tmp_path: Path, text: str, values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        change(tmp_path, text, **values)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("config.yaml", text)]


def test_a_setting_that_the_environment_overrides_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="EDGE_LPR__PASSAGE__LANE in the environment overrides the file"):
        change(tmp_path, "", {"EDGE_LPR__PASSAGE__LANE": "[]"})


def test_permissions_and_links_stay(tmp_path: Path) -> None:
    target = tmp_path / "real.yaml"
    target.write_text("passage:\n")
    target.chmod(0o640)
    link = tmp_path / "config.yaml"
    link.symlink_to(target)
    SettingsFile(link, {}).change_settings("passage", {"lane": LANE})
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert load_settings(link, {}).passage.lane == ((0.1, 0.3), (0.9, 0.3), (1, 1))


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / ".config.yaml.part").mkdir()  # in the way, for root too
    with pytest.raises(ConfigError, match=f"cannot be written: .*; the service's user needs .* {tmp_path}$"):
        change(tmp_path, "")
