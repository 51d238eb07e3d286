"""Changes of settings in the text of their file: everything else in it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edge_lpr.config.editing import edit_section
from edge_lpr.errors import ConfigError

LANE = [[0.1, 0.3], [0.9, 0.3], [1, 1]]
WRITTEN = "[[0.1, 0.3], [0.9, 0.3], [1, 1]]"


def change(text: str, **values: Any) -> str:
    return edit_section(text, Path("config.yaml"), "passage", values or {"lane": LANE})


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
def test_only_the_setting_changes(before: str, after: str) -> None:
    assert change(before) == after


def test_a_long_text_stays_on_its_line() -> None:
    pattern = " | ".join(f"京A{number:05}" for number in range(20))
    assert change("", pattern=pattern) == f"\npassage:\n  pattern: {pattern}\n"


def test_the_examples_comments_all_stay(repo_root: Path) -> None:
    before = (repo_root / "config.example.yaml").read_text(encoding="utf-8")
    after = change(before, lane=LANE, ignore=[LANE], line=[[0, 0.6], [1, 0.6]], line_in="up")
    comments = [line.partition("#")[2] for line in before.splitlines()]
    assert [line.partition("#")[2] for line in after.splitlines()] == comments
    expected = yaml.safe_load(before)
    expected["passage"] |= {"lane": LANE, "ignore": [LANE], "line": [[0, 0.6], [1, 0.6]], "line_in": "up"}
    assert yaml.safe_load(after) == expected


def test_a_form_that_cannot_be_changed_is_refused() -> None:
    text = "passage:\n  lane: &a [[0, 0], [1, 0], [1, 1]]\n  ignore: [*a]\n"
    with pytest.raises(ConfigError, match="cannot be changed automatically"):
        change(text)
