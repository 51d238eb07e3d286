"""Watchlists: near matches are reported, and they are loaded from the settings or a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_lpr.config import Settings, load_settings
from edge_lpr.errors import ConfigError
from edge_lpr.passages import ListMatch
from edge_lpr.tracking.watchlists import Watchlists


def load(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    return load_settings(tmp_path / "config.yaml", {})


def test_exact_matches_and_one_edit() -> None:
    lists = Watchlists({"known": ["粤LQ092V", "粤LQ093V", "粤BD12345"], "blocked": ["粤LQ092W", "京AF0236"]})
    assert lists.matches("粤LQ092V") == (ListMatch("known", "粤LQ092V", 0), ListMatch("blocked", "粤LQ092W", 1))
    assert lists.matches("粤LQ094V") == (ListMatch("known", "粤LQ092V", 1), ListMatch("known", "粤LQ093V", 1))
    assert lists.matches("皖LQ093V") == (ListMatch("known", "粤LQ093V", 1),)
    assert lists.matches("粤BD1234") == (ListMatch("known", "粤BD12345", 1),)
    assert lists.matches("京AFA0236") == (ListMatch("blocked", "京AF0236", 1),)
    assert lists.matches("沪C5T901") == ()
    assert Watchlists({"known": []}).matches("沪C5T901") == ()


def test_lists_come_from_the_settings_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "blocked.txt").write_text("# 2025\n京A·F0236  # unpaid\n\n粤 bd12345\n京AF0236\n", encoding="utf-8")
    settings = load(tmp_path, "lists: {known: [粤LQ092V], blocked: blocked.txt}")
    assert settings.lists.known == ("粤LQ092V",)
    assert settings.lists.blocked == ("京AF0236", "粤BD12345")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("京AF0236\n京I12345\n".encode(), "blocked.txt:2: '京I12345' is none"),
        (b"\xff\xfe", "blocked.txt is not"),
        (None, "blocked.txt: No such file"),
    ],
)
def test_a_list_with_mistakes_is_rejected_with_the_line(tmp_path: Path, content: bytes | None, fault: str) -> None:
    if content is not None:
        (tmp_path / "blocked.txt").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "lists:\n  blocked: blocked.txt\n")
    (line,) = caught.value.faults
    assert "config.yaml:2: lists.blocked" in line
    assert fault in line
