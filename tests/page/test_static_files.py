"""The files of the page: languages, texts, and no reference to other hosts."""

from __future__ import annotations

import re

import pytest

from edge_lpr.page.static_files import language_of, static_files


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,en;q=0.9,zh;q=0.5", "en"), ("de,zh;q=0.3", "zh"), ("de", "en"),
        ("", "en"), ("en;q=0.2, zh;q=0.7", "zh"), ("zh;q=banana", "zh"),
    ],
)  # fmt: skip
def test_the_page_uses_the_preferred_language_of_the_browser(accepted: str, language: str) -> None:
    assert language_of(accepted) == language


def test_both_languages_have_all_texts() -> None:
    words = static_files()["words.js"].content.decode()
    english, chinese = (
        dict(re.findall(r'"([\w-]+)": "((?:[^"\\]|\\.)*)"', words.partition(f"  {name}: {{")[2].partition("\n  },")[0]))
        for name in ("en", "zh")
    )
    assert len(english) > 100 and english.keys() == chinese.keys()
    for name, text in english.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", chinese[name])), name
    used = set()
    for file in static_files().values():
        used |= set(re.findall(r'word\("([\w-]+)"', file.content.decode()))
    assert used <= english.keys()


def test_the_page_refers_to_no_other_host() -> None:
    for name, file in static_files().items():
        assert not re.search(rb"https?:|[\"'(]//", file.content.replace(b"http://www.w3.org/2000/svg", b"")), name
