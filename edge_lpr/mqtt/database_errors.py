"""What an error of SQLite means for the outbox."""

from __future__ import annotations

import sqlite3

_CORRUPT = (
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    # The statements are fixed. An error in one of them shows a damaged schema, such as a missing table.
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_corrupt(error: sqlite3.DatabaseError) -> bool:
    """Returns whether the database file is damaged; False for a disk that is full, read-only or broken."""
    return _code(error) in _CORRUPT


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Returns whether another process has locked the database."""
    return _code(error) in _BUSY


def corruption(problem: str) -> sqlite3.DatabaseError:
    """Returns an error for which ``is_corrupt`` is True."""
    error = sqlite3.DatabaseError(problem)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _code(error: sqlite3.DatabaseError) -> int:
    # The low byte is the primary code. An error that this program raises has no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR)
    return code & 0xFF
