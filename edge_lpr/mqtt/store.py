"""The outbox's table in SQLite: passages in order, the last sequence number, and what was dropped.

One process at a time, one thread at a time (the outbox holds a lock around every call). Every method is one
transaction. All raise ``sqlite3.DatabaseError`` and leave its meaning to the outbox.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS passage (sequence INTEGER PRIMARY KEY, request_id TEXT NOT NULL, message TEXT NOT NULL,
                                    bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counter VALUES ('last_sequence', 0), ('dropped', 0);
"""
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """One passage that waits: ``message`` is the JSON text of ``{"Response", "Event"}`` before its stamps."""

    sequence: int
    request_id: str
    message: str

    @property
    def size(self) -> int:
        """Bytes of the message."""
        return len(self.message.encode())


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what may wait; past either, the oldest go."""

    max_messages: int
    max_bytes: int


def is_corrupt(error: sqlite3.DatabaseError) -> bool:
    """The file is no sound database, as against a disk that is full, read-only or broken."""
    return _code(error) in _CORRUPT


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Another process has the database."""
    return _code(error) in _BUSY


def _code(error: sqlite3.DatabaseError) -> int:
    # The low byte is the primary code. Errors of the Python layer itself carry none.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


class Store:
    """An open database, on disk or in memory."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self.path = path
        self.last_sequence = 0
        self.dropped = 0
        self.count = 0
        self.bytes = 0

    @classmethod
    def open(cls, path: Path | None) -> Store:
        """Open or create; ``None`` is a database in memory. A damaged file raises a DatabaseError that is_corrupt."""
        target = ":memory:" if path is None else str(path)
        connection = sqlite3.connect(target, timeout=0.5, isolation_level=None, check_same_thread=False)
        store = cls(connection, path)
        try:
            store._prepare()
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return store

    def _prepare(self) -> None:
        run = self._connection.execute
        # Exclusive: a second service on the same folder would hand out the same numbers. It also spares the -shm file.
        run("PRAGMA locking_mode=EXCLUSIVE")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        fault = run("PRAGMA quick_check(1)").fetchone()[0]
        if fault != "ok":
            error = sqlite3.DatabaseError(f"damaged: {fault.splitlines()[0]}")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        self._recount()

    def _recount(self) -> None:
        counters = dict(self._connection.execute("SELECT name, value FROM counter"))
        self.last_sequence, self.dropped = counters["last_sequence"], counters["dropped"]
        self.count, self.bytes = self._connection.execute(
            "SELECT COUNT(*), COALESCE(SUM(bytes), 0) FROM passage"
        ).fetchone()

    def add(self, compose: Callable[[int], StoredPassage], limits: Limits) -> StoredPassage:
        """Give the next number, store, and drop the oldest past ``limits``; durable on return when on disk."""
        self._connection.execute("PRAGMA synchronous=FULL")
        passage = compose(self.last_sequence + 1)
        with _Transaction(self):
            self._insert(passage)
            self._drop_oldest(limits)
        return passage

    def merge(self, passages: Iterable[StoredPassage], acknowledged: Iterable[int], last_sequence: int) -> None:
        """Take over what was added and acknowledged elsewhere meanwhile."""
        with _Transaction(self):
            self._delete(acknowledged)
            for passage in passages:
                self._insert(passage)
            self._set("last_sequence", max(last_sequence, self.last_sequence))

    def pending(self, after: int, limit: int) -> list[StoredPassage]:
        """At most ``limit`` passages with numbers above ``after``, in order."""
        rows = self._connection.execute(
            "SELECT sequence, request_id, message FROM passage WHERE sequence > ? ORDER BY sequence LIMIT ?",
            (after, limit),
        )
        return [StoredPassage(*row) for row in rows]

    def newest(self, max_bytes: int) -> list[StoredPassage]:
        """The newest passages that fit in ``max_bytes``, in order."""
        kept: list[StoredPassage] = []
        room = max_bytes
        for row in self._connection.execute("SELECT sequence, request_id, message FROM passage ORDER BY sequence DESC"):
            passage = StoredPassage(*row)
            room -= passage.size
            if room < 0:
                break
            kept.append(passage)
        return kept[::-1]

    def acknowledge(self, sequences: Iterable[int]) -> None:
        """Forget passages that the broker has.

        Not synced to the disk: a power cut that undoes it costs a repeat, which subscribers drop by RequestId, and
        the SD card is spared one write per passage.
        """
        self._connection.execute("PRAGMA synchronous=NORMAL")
        with _Transaction(self):
            self._delete(sequences)

    def close(self) -> None:
        """Close the file; what was added is in it."""
        self._connection.close()

    def _insert(self, passage: StoredPassage) -> None:
        before = self._connection.total_changes
        self._connection.execute(
            "INSERT OR IGNORE INTO passage VALUES (?, ?, ?, ?)",
            (passage.sequence, passage.request_id, passage.message, passage.size),
        )
        if self._connection.total_changes > before:
            self.count += 1
            self.bytes += passage.size
        self._set("last_sequence", max(passage.sequence, self.last_sequence))

    def _delete(self, sequences: Iterable[int]) -> None:
        for sequence in sequences:
            row = self._connection.execute(
                "DELETE FROM passage WHERE sequence = ? RETURNING bytes", (sequence,)
            ).fetchone()
            if row is not None:
                self.count -= 1
                self.bytes -= row[0]

    def _drop_oldest(self, limits: Limits) -> None:
        dropped = 0
        while self.count > 1 and (self.count > limits.max_messages or self.bytes > limits.max_bytes):
            (oldest,) = self._connection.execute("SELECT MIN(sequence) FROM passage").fetchone()
            self._delete((oldest,))
            dropped += 1
        if dropped:
            self._set("dropped", self.dropped + dropped)

    def _set(self, name: str, value: int) -> None:
        self._connection.execute("UPDATE counter SET value = ? WHERE name = ?", (value, name))
        setattr(self, name, value)


class _Transaction:
    """BEGIN to COMMIT; after a fault the table and the totals are as before."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection = store._connection
        self._totals = (store.last_sequence, store.dropped, store.count, store.bytes)

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._connection.execute("COMMIT")
                return
        except sqlite3.DatabaseError:
            self._undo()
            raise
        self._undo()

    def _undo(self) -> None:
        store = self._store
        store.last_sequence, store.dropped, store.count, store.bytes = self._totals
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
