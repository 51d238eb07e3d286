"""The outbox's table in SQLite: passages in order, the last sequence number, and what was dropped.

One process at a time, one thread at a time (the outbox holds a lock around every call). Every method is one
transaction at most. All raise ``sqlite3.DatabaseError`` and leave its meaning to the outbox.

An SD card wears by the pages written, so few are: a page is no larger than a passage, the last number is the newest
row's own, and what the broker has acknowledged is forgotten in memory at once but on disk together with the next
passage. A process that is killed in between repeats those, under their RequestIds.
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
"""Of a new database: the smallest that holds a passage. 4096 writes 1.6 times as much to the card
(tests/benchmarks/disk_writes.py)."""
ACKNOWLEDGED_AT_ONCE = 64
"""Acknowledged passages that may still stand on the disk."""

_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """One passage that waits: ``message`` is the JSON text of ``{"Response", "Event"}`` before its stamps.

    ``stored_at`` is in seconds since 1970; None where the clock could not be believed.
    """

    sequence: int
    request_id: str
    message: str
    stored_at: int | None = None

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


class PassageStore:
    """An open database, on disk or in memory. ``count`` and ``bytes`` are of what waits; counters span all runs."""

    def __init__(self, connection: sqlite3.Connection, path: Path | None) -> None:
        self._connection = connection
        self.path = path
        self.last_sequence = 0
        self.dropped = 0
        self.expired = 0
        self.count = 0
        self.bytes = 0
        self.acknowledged: frozenset[int] = frozenset()
        """Numbers that no longer wait but still stand in the table."""
        self._written_number = 0

    @classmethod
    def open(cls, path: Path | None) -> PassageStore:
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
        self._recount()

    def _recount(self) -> None:
        run = self._connection.execute
        counters = dict(run("SELECT name, value FROM counter"))
        self._written_number, self.dropped = counters["last_sequence"], counters["dropped"]
        self.expired = counters["expired"]
        newest, self.count, self.bytes = run(
            "SELECT COALESCE(MAX(sequence), 0), COUNT(*), COALESCE(SUM(bytes), 0) FROM passage"
        ).fetchone()
        self.last_sequence = max(newest, self._written_number)

    def add(self, compose: Callable[[int], StoredPassage], limits: Limits) -> StoredPassage:
        """Give the next number, store, and drop the oldest past ``limits``; durable on return when on disk."""
        self._connection.execute("PRAGMA synchronous=FULL")
        passage = compose(self.last_sequence + 1)
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            self._insert(passage)
            self._drop_oldest(limits)
        return passage

    def merge(self, passages: Iterable[StoredPassage], acknowledged: Iterable[int], last_sequence: int) -> None:
        """Take over what was added and acknowledged elsewhere meanwhile."""
        with _Transaction(self):
            self._delete(self._take_acknowledged())
            for passage in passages:
                self._insert(passage)
            self._forget(acknowledged)
            self.last_sequence = max(last_sequence, self.last_sequence)

    def pending(self, after: int, limit: int) -> list[StoredPassage]:
        """At most ``limit`` passages with numbers above ``after``, in order."""
        kept: list[StoredPassage] = []
        for passage in self._waiting("WHERE sequence > ? ORDER BY sequence", after):
            kept.append(passage)
            if len(kept) >= limit:
                break
        return kept

    def newest(self, max_bytes: int) -> list[StoredPassage]:
        """The newest passages that fit in ``max_bytes``, in order."""
        kept: list[StoredPassage] = []
        room = max_bytes
        for passage in self._waiting("ORDER BY sequence DESC"):
            room -= passage.size
            if room < 0:
                break
            kept.append(passage)
        return kept[::-1]

    def _waiting(self, rest: str, *values: int) -> Iterator[StoredPassage]:
        for row in self._connection.execute(f"SELECT {_COLUMNS} FROM passage {rest}", values):
            if row[0] not in self.acknowledged:
                yield StoredPassage(*row)

    def acknowledge(self, sequences: Iterable[int]) -> None:
        """Forget passages that the broker has; on disk with the next passage, or when ``tidy`` is called."""
        for sequence in sequences:
            row = self._connection.execute("SELECT bytes FROM passage WHERE sequence = ?", (sequence,)).fetchone()
            if row is not None and sequence not in self.acknowledged:
                self.acknowledged |= {sequence}
                self.count -= 1
                self.bytes -= row[0]
        if len(self.acknowledged) >= ACKNOWLEDGED_AT_ONCE:
            self.delete_acknowledged()

    def delete_acknowledged(self) -> None:
        """Take what was acknowledged off the disk too.

        Not synced: a power cut that undoes it costs repeats, which subscribers drop by RequestId.
        """
        if self.acknowledged:
            self._connection.execute("PRAGMA synchronous=NORMAL")
            with _Transaction(self):
                self._delete(self._take_acknowledged())

    def expire(self, before: int) -> int:
        """Drop what was stored before that moment (seconds since 1970); how many.

        What was stored ahead of an expired passage is expired itself, even where its own time is unknown.
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
            gone = self._connection.execute(
                "DELETE FROM passage WHERE sequence <= ? RETURNING bytes", (last,)
            ).fetchall()
            self.count -= len(gone)
            self.bytes -= sum(size for (size,) in gone)
            self.expired += len(gone)
            self._set("expired", self.expired)
        return len(gone)

    def close(self) -> None:
        """Close the file; what was added is in it."""
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

    def _forget(self, sequences: Iterable[int]) -> None:
        """Delete passages that wait."""
        for size in self._delete(sequences):
            self.count -= 1
            self.bytes -= size

    def _delete(self, sequences: Iterable[int]) -> list[int]:
        """Delete rows; the sizes of those that were there."""
        sizes = []
        for sequence in sequences:
            row = self._connection.execute(
                "DELETE FROM passage WHERE sequence = ? RETURNING bytes", (sequence,)
            ).fetchone()
            if row is not None:
                sizes.append(row[0])
        return sizes

    def _drop_oldest(self, limits: Limits) -> None:
        counted = self.count
        while self.count > 1 and (self.count > limits.max_messages or self.bytes > limits.max_bytes):
            (oldest,) = self._connection.execute("SELECT MIN(sequence) FROM passage").fetchone()
            self._forget((oldest,))
        if self.count < counted:
            self.dropped += counted - self.count
            self._set("dropped", self.dropped)

    def _keep_number(self) -> None:
        """Write the last number where no row tells it."""
        if self._written_number == self.last_sequence:
            return
        (newest,) = self._connection.execute("SELECT MAX(sequence) FROM passage").fetchone()
        if newest != self.last_sequence:
            self._set("last_sequence", self.last_sequence)
            self._written_number = self.last_sequence

    def _set(self, name: str, value: int) -> None:
        self._connection.execute("UPDATE counter SET value = ? WHERE name = ?", (value, name))


_TOTALS = ("last_sequence", "dropped", "expired", "count", "bytes", "acknowledged", "_written_number")


class _Transaction:
    """BEGIN to COMMIT; after a fault the table and the totals are as before."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store
        self._connection = store._connection
        self._totals = {name: getattr(store, name) for name in _TOTALS}

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._store._keep_number()
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
