"""The keys file: who may ask, how much, and what is said of a file with mistakes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import Account, load_keys
from edge_lpr.api.quota import FILE_NAME, QuotaBook
from edge_lpr.errors import ConfigError
from edge_lpr.web.rate_limit import RateLimit


def write(tmp_path: Path, text: str, mode: int = 0o640) -> Path:
    path = tmp_path / "keys.yaml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_keys_with_and_without_a_quota(tmp_path: Path) -> None:
    text = "AKIDa: secret-a\nAKIDb: {key: secret-b, quota: 5}\nAKIDc: {key: secret-c, in_arrears: true}\n"
    assert load_keys(write(tmp_path, text)) == {
        "AKIDa": Account("AKIDa", "secret-a"),
        "AKIDb": Account("AKIDb", "secret-b", 5),
        "AKIDc": Account("AKIDc", "secret-c", None, True),
    }


@pytest.mark.parametrize(
    ("text", "told"),
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
def test_mistakes_are_told_and_secrets_are_not(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_keys(write(tmp_path, text))
    lines = [str(caught.value), *caught.value.faults]
    assert any(told in line for line in lines), lines
    assert "hunter2" not in "".join(lines)
    assert not any("\n" in line for line in lines)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"api\.keys_file: .*: no such file; write"):
        load_keys(tmp_path / "none.yaml")


def test_a_file_that_everybody_can_read_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load_keys(write(tmp_path, "AKIDa: hunter2", 0o644))
    assert "chmod o-r" in caplog.text
    assert "hunter2" not in caplog.text + repr(Account("AKIDa", "hunter2"))


def test_a_quota_counts_over_restarts_and_gives_back(tmp_path: Path) -> None:
    account, free = Account("AKIDa", "x", quota=2), Account("AKIDb", "x")
    first = QuotaBook(tmp_path / "state")
    first.take(free)
    assert not (tmp_path / "state" / FILE_NAME).exists()
    first.take(account)
    first.take(account)
    first.give_back(account)
    first.close()
    second = QuotaBook(tmp_path / "state")
    second.take(account)
    with pytest.raises(ApiError) as caught:
        second.take(account)
    assert caught.value.code == ErrorCode.RESOURCE_PACKAGE_RUN_OUT
    second.take(Account("AKIDa", "x", quota=3))
    second.close()


def test_a_request_that_outlasts_the_service_is_still_counted_and_leaves_the_file_closed(tmp_path: Path) -> None:
    account = Account("AKIDa", "x", quota=1)
    book = QuotaBook(tmp_path)
    book.take(account)
    assert (tmp_path / f"{FILE_NAME}-wal").exists()
    book.close()
    book.give_back(account)
    assert not (tmp_path / f"{FILE_NAME}-wal").exists()  # SQLite takes it away when nobody has the file open
    again = QuotaBook(tmp_path)
    again.take(account)
    again.close()


def test_nothing_to_give_and_nothing_paid(tmp_path: Path) -> None:
    book = QuotaBook(tmp_path)
    for account, fault in (
        (Account("AKIDa", "x", quota=0), ErrorCode.RESOURCE_PACKAGE_RUN_OUT),
        (Account("AKIDb", "x", quota=9, in_arrears=True), ErrorCode.IN_ARREARS),
    ):
        with pytest.raises(ApiError) as caught:
            book.take(account)
        assert caught.value.code == fault


def test_a_damaged_count_is_a_fault_of_metered_requests_alone(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    book = QuotaBook(tmp_path)
    book.take(Account("AKIDb", "x"))
    with pytest.raises(ApiError) as caught:
        book.take(Account("AKIDa", "x", quota=1))
    assert caught.value.code == ErrorCode.CHARGE_STATUS_EXCEPTION


def test_the_rate_is_counted_over_a_sliding_second_for_each_caller() -> None:
    rate = RateLimit(2)
    assert [rate.admits("a", at_s) for at_s in (0.0, 0.5, 0.9, 1.0, 1.4, 1.5)] == [True, True, False, True, False, True]
    assert rate.admits("b", 0.9)
