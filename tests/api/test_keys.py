"""The keys file: accounts with their quotas, and the messages for a file with mistakes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge_lpr.api.keys import Account, load_keys
from edge_lpr.errors import ConfigError


def write(tmp_path: Path, text: str, mode: int = 0o640) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_keys_are_loaded_with_quota_and_arrears(tmp_path: Path) -> None:
    text = "AKIDa: secret-a\nAKIDb: {key: secret-b, quota: 5}\nAKIDc: {key: secret-c, in_arrears: true}\n"
    assert load_keys(write(tmp_path, text)) == {
        "AKIDa": Account("AKIDa", "secret-a"),
        "AKIDb": Account("AKIDb", "secret-b", 5),
        "AKIDc": Account("AKIDc", "secret-c", None, True),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no key; write 'SecretId: SecretKey' lines into it"),
        ("AKIDa: 1234567", "keys.yaml:1: give its SecretKey as text (in quotes"),
        ("AKIDa:\n", "keys.yaml:1: give its SecretKey as text"),
        ("AKIDa: {quota: 5, secret: hunter2}", "keys.yaml:1: give its SecretKey as text"),
        ("AKIDa: {key: hunter2, quota: -1}", "quota (a whole number or null)"),
        ("17: hunter2", "keys.yaml:1: a SecretId is 1 to 128 of the characters"),
        ("AKIDa: x\nAKIDa: hunter2", "keys.yaml:2: AKIDa: given twice, first on line 1"),
        ("- hunter2", "this one is a list"),
    ],
)
def test_mistakes_are_reported_without_the_secrets(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_keys(write(tmp_path, text))
    lines = [str(caught.value), *caught.value.faults]
    assert any(message in line for line in lines), lines
    assert "hunter2" not in "".join(lines)
    assert not any("\n" in line for line in lines)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"api\.keys_file: .*: no such file; write"):
        load_keys(tmp_path / "none.yaml")


def test_a_file_that_every_user_can_read_gives_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load_keys(write(tmp_path, "AKIDa: hunter2", 0o644))
    assert "chmod o-r" in caplog.text
    assert "hunter2" not in caplog.text + repr(Account("AKIDa", "hunter2"))
