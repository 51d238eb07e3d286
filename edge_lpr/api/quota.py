"""How many answers each key has had, kept on disk, so that a site can meter its tenants.

Only answers with a plate count. A request takes its unit before the work and gets it back when there is no such
answer, so that requests side by side cannot take more than the quota; a power cut in between costs that one unit.
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
    """The counts of all keys in one SQLite file, opened when a key with a quota first asks.

    May be called from any thread. A file that cannot be used is a fault of each request that must be counted, and of
    no other; the next one tries again. A request that outlasts ``close`` is still counted, and leaves the file closed.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._database: sqlite3.Connection | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def take(self, account: Account) -> None:
        """Count an answer. Raises ApiError: in arrears, quota used up, or the count cannot be kept."""
        if account.in_arrears:
            raise ApiError(ErrorCode.IN_ARREARS)
        if account.quota is None:
            return
        if account.quota == 0 or not self._changes(_TAKE, (account.name, account.quota)):
            raise ApiError(ErrorCode.RESOURCE_PACKAGE_RUN_OUT)

    def give_back(self, account: Account) -> None:
        """The answer did not come about. Raises ApiError when the count cannot be kept."""
        if account.quota is not None:
            self._changes("UPDATE used SET answers = answers - 1 WHERE key = ? AND answers > 0", (account.name,))

    def close(self) -> None:
        """Close the file, for good."""
        with self._lock:
            self._is_closed = True
            self._close()

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _changes(self, statement: str, values: tuple[str | int, ...]) -> bool:
        """Whether the statement changed a row."""
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
            # As much as a meter needs: a power cut may forget the last seconds, but never damages the file.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute(_SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        return database
