"""The quota of each key: counted in a file, kept over restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import Account
from edge_lpr.api.quota import FILE_NAME, QuotaBook


def test_a_quota_is_counted_over_restarts_and_can_be_given_back(tmp_path: Path) -> None:
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


def test_a_request_that_ends_after_the_close_is_counted_and_leaves_the_database_closed(tmp_path: Path) -> None:
    account = Account("AKIDa", "x", quota=1)
    book = QuotaBook(tmp_path)
    book.take(account)
    assert (tmp_path / f"{FILE_NAME}-wal").exists()
    book.close()
    book.give_back(account)
    assert not (tmp_path / f"{FILE_NAME}-wal").exists()  # SQLite deletes it with the last connection
    again = QuotaBook(tmp_path)
    again.take(account)
    again.close()


def test_an_account_without_quota_or_in_arrears_is_refused(tmp_path: Path) -> None:
    book = QuotaBook(tmp_path)
    for account, expected in (
        (Account("AKIDa", "x", quota=0), ErrorCode.RESOURCE_PACKAGE_RUN_OUT),
        (Account("AKIDb", "x", quota=9, in_arrears=True), ErrorCode.IN_ARREARS),
    ):
        with pytest.raises(ApiError) as caught:
            book.take(account)
        assert caught.value.code == expected


def test_a_damaged_database_affects_only_accounts_with_a_quota(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database" * 1000)
    book = QuotaBook(tmp_path)
    book.take(Account("AKIDb", "x"))
    with pytest.raises(ApiError) as caught:
        book.take(Account("AKIDa", "x", quota=1))
    assert caught.value.code == ErrorCode.CHARGE_STATUS_EXCEPTION
