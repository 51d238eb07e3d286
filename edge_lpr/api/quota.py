"""Quotas: the number of answers that each key has had, kept on disk, so that a site can meter its tenants.

Only answers with a plate count. A request takes its unit before it is processed and returns it if there is no such
answer. So concurrent requests cannot exceed the quota; a power cut in between costs one unit.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from pathlib import Path

from edge_lpr.api.errors import ApiError, ErrorCode
from edge_lpr.api.keys import Account

FILE_NAME = "quota.sqlite3"

_SCHEMA = "CREATE TABLE IF NOT EXISTS used (key TEXT PRIMARY KEY, answers INTEGER NOT NULL) WITHOUT ROWID"
_TAKE = "INSERT INTO used VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET answers = answers + 1 WHERE answers < ?"
_log = logging.getLogger(__name__)


class QuotaBook:
    """The counts of all keys in one SQLite file, which is opened for the first request of a key with a quota.

    May be called from any thread. If the file cannot be used, only requests that must be counted fail; the next one
    tries again. A request that ends after ``close`` is still counted, and the file is closed again.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._database: sqlite3.Connection | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self, account: Account) -> None:
        """Counts an answer. Raises ApiError: in arrears, quota used up, or the count cannot be kept."""
        if account.in_arrears:
            raise ApiError(ErrorCode.IN_ARREARS)
        if account.quota is None:
            return
        if account.quota == 0 or not self._changes(_TAKE, (account.name, account.quota)):
            raise ApiError(ErrorCode.RESOURCE_PACKAGE_RUN_OUT)

    def give_back(self, account: Account) -> None:
        """Gives back the unit of a request without such an answer. Raises ApiError if the count cannot be kept."""
        if account.quota is not None:
            self._changes("UPDATE used SET answers = answers - 1 WHERE key = ? AND answers > 0", (account.name,))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._is_closed = True
            self._close()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _changes(self, statement: str, values: tuple[str | int, ...]) -> bool:
        """Runs the statement; returns whether it changed a row."""
        with self._lock:
            try:
                if self._database is None:
                    self._database = self._opened()
                with self._database:
                    return self._database.execute(statement, values).rowcount > 0
            except (sqlite3.Error, OSError) as error:
                self._close()
                _log.error("%s: the count of requests cannot be kept: %s", self._path, error)
                raise ApiError(ErrorCode.CHARGE_STATUS_EXCEPTION) from error
            finally:
                if self._is_closed:
                    self._close()

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path, timeout=1.0, check_same_thread=False)
        try:
            # Enough for a meter: a power cut may lose the last seconds, but does not damage the file.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(_SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        return database
