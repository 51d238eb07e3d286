"""The SQLite table of the outbox: passages in order, the last sequence number, and counters of dropped passages.

Only one process and one thread use it at a time; the outbox holds a lock around every call. Each method is at most one
transaction. All methods raise ``sqlite3.DatabaseError``, which the outbox handles.

Written pages wear out an SD card, so the store writes few. A page is about as large as a passage. The last sequence
number is that of the newest row. An acknowledged passage is removed in memory at once, but on disk together with the
next passage. A process that is killed in between sends it again, with the same RequestId.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS passage (sequence INTEGER PRIMARY KEY, request_id TEXT NOT NULL, message TEXT NOT NULL,
                                    bytes INTEGER NOT NULL, stored_at INTEGER);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO counter VALUES ('last_sequence', 0), ('dropped', 0), ('expired', 0);
"""
_COLUMNS = "sequence, request_id, message, stored_at"
PAGE_BYTES = 1024
"""Page size of a new database: the smallest that holds a passage.

With 4096 bytes 1.6 times as much is written to the card (tests/benchmarks/disk_writes.py).
"""

MAX_ACKNOWLEDGED_ROWS = 64
"""Acknowledged passages that may still be on the disk. With more, their rows are deleted at once."""

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """One waiting passage.

    ``message`` is the JSON text of ``{"Response", "Event"}``; PublishedAt and Replayed are set when it is sent.
    ``stored_at`` is in seconds since 1970, None if the clock was not synchronized.
    """

    sequence: int
    request_id: str
    message: str
    stored_at: int | None = None

    @property
    def size(self) -> int:
        """Size of the message in bytes, as UTF-8."""
        return len(self.message.encode())


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest number and total size of waiting passages. Above either, the oldest are dropped."""

    max_messages: int
    max_bytes: int


def is_corrupt(error: sqlite3.DatabaseError) -> bool:
    """Returns whether the database file is damaged; False for a disk that is full, read-only or broken."""
    return _code(error) in _CORRUPT


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Returns whether another process has locked the database."""
    return _code(error) in _BUSY


def _code(error: sqlite3.DatabaseError) -> int:
    # The low byte is the primary code. Errors of the Python layer have no code.
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code & 0xFF


class PassageStore:
    """An open database, on disk or in memory.

    ``count`` and ``bytes`` are the number and total size of waiting passages. ``dropped`` and ``expired`` count over
    all runs.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self.path = path
        self.last_sequence = 0
        self.dropped = 0
        self.expired = 0
        self.count = 0
        self.bytes = 0
        self.acknowledged: frozenset[int] = frozenset()
        """Sequence numbers of acknowledged passages whose rows are still in the table."""
        self._written_sequence = 0

    @classmethod
    def open(cls, path: Path | None) -> PassageStore:
        """Opens or creates the database; None is a database in memory.

        For a damaged file raises a DatabaseError for which ``is_corrupt`` is True.
        """
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
        # Exclusive: a second service on the same folder would assign the same numbers. Also, no -shm file is needed.
        run("PRAGMA locking_mode=EXCLUSIVE")
        run(f"PRAGMA page_size={PAGE_BYTES}")
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=FULL")
        fault = run("PRAGMA quick_check(1)").fetchone()[0]
        if fault != "ok":
            error = sqlite3.DatabaseError(f"damaged: {fault.splitlines()[0]}")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        self._connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        if "stored_at" not in (column[1] for column in run("PRAGMA table_info(passage)")):
            run("ALTER TABLE passage ADD COLUMN stored_at INTEGER")  # a database of version 0.1
        self._load_totals()

    def _load_totals(self) -> None:
        run = self._connection.execute
        counters = dict(run("SELECT name, value FROM counter"))
        self._written_sequence, self.dropped = counters["last_sequence"], counters["dropped"]
        self.expired = counters["expired"]
        newest, self.count, self.bytes = run(
            "SELECT COALESCE(MAX(sequence), 0), COUNT(*), COALESCE(SUM(bytes), 0) FROM passage"
        ).fetchone()
        self.last_sequence = max(newest, self._written_sequence)

    def add(self, compose: Callable[[int], StoredPassage], limits: Limits) -> StoredPassage:
        """Assigns the next number, stores the passage, and drops the oldest above ``limits``.

        On return the passage is durable if the database is on disk.
        """
        self._connection.execute("PRAGMA synchronous=FULL")
        passage = compose(self.last_sequence + 1)
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            self._insert(passage)
            self._drop_oldest(limits)
        return passage

    def merge(self, passages: Iterable[StoredPassage], acknowledged: Iterable[int], last_sequence: int) -> None:
        """Applies the passages added and acknowledged in another store."""
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            for passage in passages:
                self._insert(passage)
            self._delete_waiting(acknowledged)
            self.last_sequence = max(last_sequence, self.last_sequence)

    def pending(self, after: int, limit: int) -> list[StoredPassage]:
        """Returns at most ``limit`` waiting passages with sequence numbers above ``after``, in order."""
        kept: list[StoredPassage] = []
        for passage in self._waiting("WHERE sequence > ? ORDER BY sequence", after):
            kept.append(passage)
            if len(kept) >= limit:
                break
        return kept

    def newest(self, max_bytes: int) -> list[StoredPassage]:
        """Returns the newest waiting passages that fit in ``max_bytes``, in order."""
        kept: list[StoredPassage] = []
        free_bytes = max_bytes
        for passage in self._waiting("ORDER BY sequence DESC"):
            free_bytes -= passage.size
            if free_bytes < 0:
                break
            kept.append(passage)
        return kept[::-1]

    def _waiting(self, clause: str, *values: int) -> Iterator[StoredPassage]:
        for row in self._connection.execute(f"SELECT {_COLUMNS} FROM passage {clause}", values):
            if row[0] not in self.acknowledged:
                yield StoredPassage(*row)

    def acknowledge(self, sequences: Iterable[int]) -> None:
        """Removes acknowledged passages: in memory now, on disk with the next passage or ``delete_acknowledged``."""
        for sequence in sequences:
            row = self._connection.execute("SELECT bytes FROM passage WHERE sequence = ?", (sequence,)).fetchone()
            if row is not None and sequence not in self.acknowledged:
                self.acknowledged |= {sequence}
                self.count -= 1
                self.bytes -= row[0]
        if len(self.acknowledged) >= MAX_ACKNOWLEDGED_ROWS:
            self.delete_acknowledged()

    def delete_acknowledged(self) -> None:
        """Deletes the rows of acknowledged passages.

        Not synchronized to disk. If a power cut undoes it, the passages are sent again, and subscribers drop them by
        RequestId.
        """
        if self.acknowledged:
            self._connection.execute("PRAGMA synchronous=NORMAL")
            with _Transaction(self):
                self._delete(self._take_acknowledged())

    def expire(self, before: int) -> int:
        """Drops passages stored before ``before``, in seconds since 1970; returns how many.

        A passage with a lower number than an expired one has expired too, even if its own time is unknown.
        """
        last = 0
        for sequence, stored_at in self._connection.execute(
            "SELECT sequence, stored_at FROM passage ORDER BY sequence"
        ):
            if stored_at is not None and stored_at >= before:
                break
            if stored_at is not None:
                last = sequence
        if last == 0:
            return 0
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            deleted = self._connection.execute(
                "DELETE FROM passage WHERE sequence <= ? RETURNING bytes", (last,)
            ).fetchall()
            self.count -= len(deleted)
            self.bytes -= sum(size for (size,) in deleted)
            self.expired += len(deleted)
            self._set_counter("expired", self.expired)
        return len(deleted)

    def close(self) -> None:
        """Closes the file. All added passages are in it."""
        self._connection.close()

    def _insert(self, passage: StoredPassage) -> None:
        before = self._connection.total_changes
        self._connection.execute(
            "INSERT OR IGNORE INTO passage VALUES (?, ?, ?, ?, ?)",
            (passage.sequence, passage.request_id, passage.message, passage.size, passage.stored_at),
        )
        if self._connection.total_changes > before:
            self.count += 1
            self.bytes += passage.size
        self.last_sequence = max(passage.sequence, self.last_sequence)

    def _take_acknowledged(self) -> frozenset[int]:
        taken, self.acknowledged = self.acknowledged, frozenset()
        return taken

    def _delete_waiting(self, sequences: Iterable[int]) -> None:
        """Deletes waiting passages and updates the totals."""
        for size in self._delete(sequences):
            self.count -= 1
            self.bytes -= size

    def _delete(self, sequences: Iterable[int]) -> list[int]:
        """Deletes rows; returns the sizes of those that existed."""
        sizes = []
        for sequence in sequences:
            row = self._connection.execute(
                "DELETE FROM passage WHERE sequence = ? RETURNING bytes", (sequence,)
            ).fetchone()
            if row is not None:
                sizes.append(row[0])
        return sizes

    def _drop_oldest(self, limits: Limits) -> None:
        count_before = self.count
        while self.count > 1 and (self.count > limits.max_messages or self.bytes > limits.max_bytes):
            (oldest,) = self._connection.execute("SELECT MIN(sequence) FROM passage").fetchone()
            self._delete_waiting((oldest,))
        if self.count < count_before:
            self.dropped += count_before - self.count
            self._set_counter("dropped", self.dropped)

    def _write_last_sequence(self) -> None:
        """Writes the last sequence number to its counter if the newest row does not have it."""
        if self._written_sequence == self.last_sequence:
            return
        (newest,) = self._connection.execute("SELECT MAX(sequence) FROM passage").fetchone()
        if newest != self.last_sequence:
            self._set_counter("last_sequence", self.last_sequence)
            self._written_sequence = self.last_sequence

    def _set_counter(self, name: str, value: int) -> None:
        self._connection.execute("UPDATE counter SET value = ? WHERE name = ?", (value, name))


_TOTALS = ("last_sequence", "dropped", "expired", "count", "bytes", "acknowledged", "_written_sequence")


class _Transaction:
    """Runs from BEGIN to COMMIT. After an error the table and the totals are as before."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._connection = store._connection
        self._totals = {name: getattr(store, name) for name in _TOTALS}

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._store._write_last_sequence()
                self._connection.execute("COMMIT")
                return
        except sqlite3.DatabaseError:
            self._undo()
            raise
        self._undo()

    def _undo(self) -> None:
        for name, value in self._totals.items():
            setattr(self._store, name, value)
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
